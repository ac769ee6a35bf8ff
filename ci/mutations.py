"""Ways to break one place of a C++ source, found in the source itself.

A mutation replaces a few characters of one line. Line numbers stay: where a
statement goes, its line stays empty. Comments, strings, preprocessor lines and
what only the compiler looks at (static_assert, using) are left alone.
"""
import collections
import re

# `begin` and `end` are offsets in the file; `text` stands there afterwards.
Mutation = collections.namedtuple("Mutation", "kind file line begin end text")

# A term of a mask: a name, a call, or a sum in brackets.
_TERM = r"~?(?:[\w:.]+(?:\((?:[^()]|\([^()]*\))*\))?|\((?:[^()]|\([^()]*\))*\))"

# Kind, what is found, what replaces it (of the match \1 and \2).
_REPLACEMENTS = [
    ("comparison negated", r" == ", [" != "]),
    ("comparison negated", r" != ", [" == "]),
    ("comparison by one", r" < ", [" <= "]),
    ("comparison by one", r" <= ", [" < "]),
    ("comparison by one", r" > ", [" >= "]),
    ("comparison by one", r" >= ", [" > "]),
    ("logic", r" && ", [" || "]),
    ("logic", r" \|\| ", [" && "]),
    ("logic", r"!(?=[\w(])", [""]),
    ("logic", r"\btrue\b", ["false"]),
    ("logic", r"\bfalse\b", ["true"]),
    ("condition negated", r"\bif \((?!\!\()(.*)\)(?= [{\w].*$|$)",
     [r"if (!(\1))"]),
    ("condition dropped", rf"\((?:[^()]|\([^()]*\))* && ({_TERM})\)(?=[ ;)])",
     [r"(\1)"]),
    ("mask lost a term", rf" \| {_TERM}", [""]),
    ("mask lost a term", rf"(?<![\w:.]){_TERM} \| ", [""]),
    ("mask lost a term", rf" & {_TERM}", [""]),
    ("mask inverted", r"~(?=[\w(])", [""]),
    ("arithmetic", r" \+ ", [" - "]),
    ("arithmetic", r" - ", [" + "]),
    ("arithmetic", r" << ", [" >> "]),
    ("arithmetic", r" >> ", [" << "]),
    ("arithmetic", r"\+\+(?=\w)", ["--"]),
    ("arithmetic", r"--(?=\w)", ["++"]),
    ("assignment", r" (?:\||&|\^)= ", [" = "]),
]
_SMALL_NUMBER = re.compile(r"(?<![\w.'])\d{1,4}(?=u?\b)(?!['.])")
_HEX_NUMBER = re.compile(r"\b0x[0-9a-f]+\b")
_NAME = re.compile(r"\b(\w+)::(k[A-Z]\w*)\b")
_LEFT_ALONE = re.compile(
    r"\s*(#|static_assert|using |template |friend |class |struct |enum )")
_STATEMENT = re.compile(
    r"\s+(?!return\b|const|auto\b|using\b|case\b|break|continue|static|[\w:<>]+ \w+(?:[;{]| = ))"
    r"(?:[\w*+\-(].*);$")


def code_of(source):
    """The source with comments and literals blanked, of the same length."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, source,
                  flags=re.S)


def families(sources):
    """Names that may be mistaken for one another: {(scope, name): next}."""
    following = {}
    for source in sources:
        code = code_of(source)
        scopes = [(m.group(1), re.findall(r"\bk[A-Z]\w*", m.group(2)))
                  for m in re.finditer(r"enum class (\w+)[^{;]*{([^}]*)}", code)]
        scopes.append(
            ("bits", re.findall(r"inline constexpr \S+\s+(k\w+)\s*=", code)))
        for scope, names in scopes:
            for name, other in zip(names, names[1:] + names[:1]):
                following[scope, name] = other
    return following


def mutations_of(file, source, following):
    """All mutations of one file, in the order of its lines."""
    lines = code_of(source).split("\n")
    found, offset, before = [], 0, ""
    for number, line in enumerate(lines, 1):
        def add(kind, begin, end, text):
            found.append(Mutation(kind, file, number, offset + begin,
                                  offset + end, text))
        if not _LEFT_ALONE.match(line):
            _mutate_tokens(line, following, add)
            next_line = lines[number] if number < len(lines) else ""
            _mutate_statements(line, before, next_line, add)
        if line.strip():
            before = line
        offset += len(line) + 1
    return found


def _mutate_tokens(line, following, add):
    for kind, pattern, replacements in _REPLACEMENTS:
        for match in re.finditer(pattern, line):
            for replacement in replacements:
                add(kind, *match.span(), match.expand(replacement))
    for match in _SMALL_NUMBER.finditer(line):
        add("number by one", *match.span(), str(int(match.group()) + 1))
        if int(match.group()) > 0:
            add("number by one", *match.span(), str(int(match.group()) - 1))
    for match in _HEX_NUMBER.finditer(line):
        add("mask lost a bit", *match.span(),
            hex(int(match.group(), 16) & (int(match.group(), 16) - 1)))
    for match in _NAME.finditer(line):
        other = following.get(match.groups())
        if other is not None and not line.lstrip().startswith("case "):
            add("another name", *match.span(2), other)


def _mutate_statements(line, before, next_line, add):
    one_line = before.rstrip().endswith((";", "{", "}", ")", ":", "else"))
    if not one_line or not _STATEMENT.match(line):
        return
    indentation = len(line) - len(line.lstrip())
    add("statement deleted", indentation, len(line), ";")
    if (_STATEMENT.match(next_line) and next_line.startswith(" " * indentation)
            and next_line[indentation] != " "):
        add("statements swapped", indentation,
            len(line) + 1 + len(next_line),
            next_line.strip() + "\n" + line)


def apply(source, mutation):
    return source[:mutation.begin] + mutation.text + source[mutation.end:]
