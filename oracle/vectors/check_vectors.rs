//! check_vectors FILE: puts test vectors to a small EPT walker in Rust.
//!
//! An example of a consumer, with plain std: `walker` is what is tested, the
//! rest reads vectors and judges answers. Exits with 1 if an answer does not
//! conform, with 2 if the file is none, and with 3 if no vector could be put.
//!
//!     rustc -O check_vectors.rs && eptdiff vectors --out v.json && ./check_vectors v.json

use std::collections::BTreeMap;
use std::process::ExitCode;

mod json;
use json::{number, Json};

mod walker;
use walker::{walk, Answer, Memory, Question};

/// The flags of vectors that the walker can be asked.
const MODELLED: [&str; 3] = ["accessed_dirty", "store", "step_alone"];

fn is_modelled(vector: &Json) -> bool {
    let entry = &vector
        .get("entry")
        .map_or(&[][..], |entry| entry.list("alternatives"));
    let enters = entry.iter().any(|a| a.text_of("event") == "completed");
    enters
        && vector
            .list("flags")
            .iter()
            .all(|flag| MODELLED.contains(&flag.text()))
        && vector.list("steps").iter().all(|step| {
            step.text_of("kind") == "store" || step.text_of("kind") == "guest_physical_access"
        })
}

fn question_of<'a>(vector: &Json, step: &'a Json) -> Question<'a> {
    let none = Json::Other(String::new());
    let part = |name: &str| vector.get(name).unwrap_or(&none);
    let guest = part("guest");
    let paging = guest.number_of("cr0") >> 31 & 1 != 0;
    let long_mode = guest.number_of("efer") >> 10 & 1 != 0;
    let pae = guest.number_of("cr4") >> 5 & 1 != 0;
    Question {
        maxphyaddr: part("processor").number_of("maxphyaddr"),
        capabilities: part("processor").number_of("ept_vpid_cap"),
        eptp: part("controls").number_of("eptp"),
        access: step.text_of("access"),
        gpa: step.number_of("gpa"),
        gla: if paging && pae && long_mode && guest.is_true("cs_l") {
            step.number_of("gla")
        } else {
            step.number_of("gla") & 0xffff_ffff
        },
        user: !paging || step.is_true("user"),
        writable: !paging || step.is_true("writable"),
        execute_disable: paging
            && pae
            && guest.number_of("efer") >> 11 & 1 != 0
            && step.is_true("execute_disable"),
    }
}

fn fits_masked(field: Option<&Json>, given: u64) -> bool {
    field.map_or(true, |f| {
        (given ^ f.number_of("value")) & f.number_of("defined") == 0
    })
}

/// What is absent is undefined.
fn fits_range(field: Option<&Json>, given: u64) -> bool {
    field.map_or(true, |f| {
        f.number_of("first") <= given && given <= f.number_of("last")
    })
}

fn fits_event(alternative: &Json, answer: &Answer) -> bool {
    match answer {
        Answer::Completed { hpa, page_shift } => {
            let translations = alternative.list("translations");
            alternative.text_of("event") == "completed"
                && translations.len() == 1
                && translations[0].number_of("hpa") == *hpa
                && translations[0].number_of("page_shift") == *page_shift
        }
        Answer::VmExit {
            reason,
            qualification,
            gpa,
            gla,
        } => {
            alternative.text_of("event") == "vm_exit"
                && alternative.number_of("exit_reason") == *reason
                && fits_masked(alternative.get("qualification"), *qualification)
                && fits_range(alternative.get("gpa"), *gpa)
                && fits_range(alternative.get("gla"), *gla)
        }
    }
}

/// Required bits are written; of optional ones each is written or as before;
/// nothing else changes. (The walker models no #VE: see README.md.)
fn fits_memory(alternative: &Json, before: &Memory, after: &Memory) -> bool {
    let required = alternative.list("required");
    let optional = alternative.list("optional");
    let mut words: BTreeMap<u64, ()> = after.keys().map(|address| (*address, ())).collect();
    words.extend(
        required
            .iter()
            .map(|write| (write.number_of("address"), ())),
    );
    words.keys().all(|address| {
        let old = *before.get(address).unwrap_or(&0);
        let new = *after.get(address).unwrap_or(&0);
        let mut free = 0;
        for write in required
            .iter()
            .filter(|w| w.number_of("address") == *address)
        {
            if (new ^ write.number_of("value")) & write.number_of("mask") != 0 {
                return false;
            }
            free |= write.number_of("mask");
        }
        for write in optional
            .iter()
            .filter(|w| w.number_of("address") == *address)
        {
            free |= write.number_of("mask") & !(new ^ write.number_of("value"));
        }
        (old ^ new) & !free == 0
    })
}

/// Whether all answers conform, or which step's does not.
fn run(vector: &Json) -> Result<(), String> {
    let mut memory: Memory = vector
        .members("memory")
        .map(|(address, value)| (number(address), number(value.text())))
        .collect();
    for (i, step) in vector.list("steps").iter().enumerate() {
        if step.text_of("kind") == "store" {
            memory.insert(step.number_of("hpa"), step.number_of("value"));
            continue;
        }
        let before = memory.clone();
        let answer = walk(&question_of(vector, step), &mut memory);
        let alternatives = step
            .get("verdict")
            .map_or(&[][..], |v| v.list("alternatives"));
        if !alternatives
            .iter()
            .any(|a| fits_event(a, &answer) && fits_memory(a, &before, &memory))
        {
            let rules: Vec<&str> = alternatives
                .iter()
                .map(|a| a.text_of("decided_by"))
                .collect();
            return Err(format!(
                "step {}: {:x?} does not conform; {}",
                i + 1,
                answer,
                rules.join(", ")
            ));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let path = std::env::args().nth(1).unwrap_or_default();
    let read = std::fs::read_to_string(&path).map_err(|e| e.to_string());
    let root = match read.and_then(|text| Json::read(&text)) {
        Ok(root)
            if root.text_of("format") == "eptdiff-vectors" && root.number_of("version") == 1 =>
        {
            root
        }
        Ok(_) => {
            eprintln!("{}: no test vectors of version 1", path);
            return ExitCode::from(2);
        }
        Err(mistake) => {
            eprintln!("{}: {}", path, mistake);
            return ExitCode::from(2);
        }
    };
    let (mut conform, mut fail) = (0, 0);
    let vectors = root.list("vectors");
    for vector in vectors.iter().filter(|vector| is_modelled(vector)) {
        match run(vector) {
            Ok(()) => conform += 1,
            Err(why) => {
                println!("{}: {}", vector.text_of("id"), why);
                fail += 1;
            }
        }
    }
    println!(
        "{} vectors: {} conform, {} do not, {} not modelled",
        vectors.len(),
        conform,
        fail,
        vectors.len() - conform - fail
    );
    match (conform, fail) {
        (0, 0) => ExitCode::from(3),
        (_, 0) => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}
