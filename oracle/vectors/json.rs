//! Reads JSON into a tree: as much as test vectors need, with plain std.

use std::collections::BTreeMap;

/// A value. Numbers stay text: vectors hold small whole ones alone.
pub enum Json {
    Other(String), // a number, true, false, null
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    pub fn read(text: &str) -> Result<Json, String> {
        let mut reader = Reader {
            bytes: text.as_bytes(),
            at: 0,
        };
        let value = reader.value()?;
        reader.skip_space();
        if reader.at < text.len() {
            return Err(reader.mistake("nothing more was expected"));
        }
        Ok(value)
    }

    /// The member of this name.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// The elements of a member; none if there is no such member.
    pub fn list(&self, key: &str) -> &[Json] {
        match self.get(key) {
            Some(Json::Array(elements)) => elements,
            _ => &[],
        }
    }

    /// The members of a member, by name.
    pub fn members(&self, key: &str) -> impl Iterator<Item = (&String, &Json)> {
        match self.get(key) {
            Some(Json::Object(members)) => Some(members),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    pub fn text(&self) -> &str {
        match self {
            Json::Other(text) | Json::Text(text) => text,
            _ => "",
        }
    }

    /// The text of a member; empty if there is no such member.
    pub fn text_of(&self, key: &str) -> &str {
        self.get(key).map_or("", |value| value.text())
    }

    /// The number that a member holds, "0x9234" or 12; 0 if there is none.
    pub fn number_of(&self, key: &str) -> u64 {
        number(self.text_of(key))
    }

    pub fn is_true(&self, key: &str) -> bool {
        self.text_of(key) == "true"
    }
}

pub fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap_or(0),
        None => text.parse().unwrap_or(0),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn mistake(&self, what: &str) -> String {
        format!("byte {}: {}", self.at, what)
    }

    fn peek(&self) -> u8 {
        *self.bytes.get(self.at).unwrap_or(&0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        self.skip_space();
        if self.peek() != byte {
            return Err(self.mistake(&format!("{:?} was expected", byte as char)));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Json, String> {
        self.skip_space();
        match self.peek() {
            b'{' => {
                let mut members = BTreeMap::new();
                self.separated(b'{', b'}', |reader| {
                    reader.skip_space();
                    let key = reader.string()?;
                    reader.expect(b':')?;
                    members.insert(key, reader.value()?);
                    Ok(())
                })?;
                Ok(Json::Object(members))
            }
            b'[' => {
                let mut elements = Vec::new();
                self.separated(b'[', b']', |reader| {
                    elements.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Json::Array(elements))
            }
            b'"' => Ok(Json::Text(self.string()?)),
            _ => {
                let start = self.at;
                while matches!(self.peek(),
                               b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E')
                {
                    self.at += 1;
                }
                if start == self.at {
                    return Err(self.mistake("a value was expected"));
                }
                let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
                Ok(Json::Other(text.into_owned()))
            }
        }
    }

    /// `open`, what `item` reads as often as a comma follows, `close`.
    fn separated<F>(&mut self, open: u8, close: u8, mut item: F) -> Result<(), String>
    where
        F: FnMut(&mut Self) -> Result<(), String>,
    {
        self.expect(open)?;
        self.skip_space();
        if self.peek() == close {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            self.skip_space();
            if self.peek() != b',' {
                return self.expect(close);
            }
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                b'"' => break,
                0 => return Err(self.mistake("a string does not end")),
                b'\\' => {
                    self.at += 1;
                    match self.peek() {
                        b'u' => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5);
                            let code = digits
                                .and_then(|d| std::str::from_utf8(d).ok())
                                .and_then(|d| u32::from_str_radix(d, 16).ok())
                                .and_then(char::from_u32)
                                .ok_or_else(|| self.mistake("no character"))?;
                            let mut buffer = [0; 4];
                            bytes.extend(code.encode_utf8(&mut buffer).bytes());
                            self.at += 4;
                        }
                        b'n' => bytes.push(b'\n'),
                        b't' => bytes.push(b'\t'),
                        other => bytes.push(other),
                    }
                }
                other => bytes.push(other),
            }
            self.at += 1;
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| self.mistake("a string is not UTF-8"))
    }
}
