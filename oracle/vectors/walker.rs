//! A small walker of 4-level EPT with accessed and dirty flags: what the
//! example of a consumer tests. Put your own in its place.

use std::collections::BTreeMap;

/// Host-physical memory: 8-byte words; what is not there is 0.
pub type Memory = BTreeMap<u64, u64>;

pub struct Question<'a> {
    pub maxphyaddr: u64,
    pub capabilities: u64, // IA32_VMX_EPT_VPID_CAP
    pub eptp: u64,
    pub access: &'a str, // "read", "write", "fetch"
    pub gpa: u64,
    pub gla: u64,
    // The page that the guest's paging gave for the linear address.
    pub user: bool,
    pub writable: bool,
    pub execute_disable: bool,
}

#[derive(Debug)]
pub enum Answer {
    Completed {
        hpa: u64,
        page_shift: u64,
    },
    VmExit {
        reason: u64,
        qualification: u64,
        gpa: u64,
        gla: u64,
    },
}

const READ: u64 = 1;
const WRITE: u64 = 1 << 1;
const EXECUTE: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 8;
const DIRTY: u64 = 1 << 9;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

const VIOLATION: u64 = 48;
const MISCONFIGURATION: u64 = 49;

fn is_leaf(entry: u64, level: u64) -> bool {
    level == 1 || (level <= 3 && entry >> 7 & 1 != 0)
}

/// SDM 29.3.3.1.
fn is_misconfigured(q: &Question, entry: u64, level: u64) -> bool {
    let mut reserved = ADDRESS & !((1 << q.maxphyaddr) - 1);
    let can = |bit: u64| q.capabilities >> bit & 1 != 0;
    if entry & READ == 0 && (entry & WRITE != 0 || !can(0)) {
        return true;
    }
    if is_leaf(entry, level) {
        reserved |= ((1 << (12 + 9 * (level - 1))) - 1) & !0xfff;
        let unsupported = (level == 3 && !can(17)) || (level == 2 && !can(16));
        if unsupported || matches!(entry >> 3 & 7, 2 | 3 | 7) {
            return true;
        }
    } else {
        reserved |= if level == 4 { 0xf8 } else { 0x78 };
    }
    entry & reserved != 0
}

/// SDM 28.2.1 and table 28-7.
fn exit(q: &Question, reason: u64, rights: u64) -> Answer {
    if reason == MISCONFIGURATION {
        return Answer::VmExit {
            reason,
            qualification: 0,
            gpa: q.gpa,
            gla: 0,
        };
    }
    let access = match q.access {
        "read" => READ,
        "write" => WRITE,
        _ => EXECUTE,
    };
    let mut qualification = access | (rights & 7) << 3 | 1 << 7 | 1 << 8;
    if q.capabilities >> 22 & 1 != 0 {
        qualification |= u64::from(q.user) << 9
            | u64::from(q.writable) << 10
            | u64::from(q.execute_disable) << 11;
    }
    Answer::VmExit {
        reason,
        qualification,
        gpa: q.gpa,
        gla: q.gla,
    }
}

/// SDM 29.3.2.
pub fn walk(q: &Question, memory: &mut Memory) -> Answer {
    if q.gpa >> 48 != 0 {
        return exit(q, VIOLATION, 0);
    }
    let mut rights = READ | WRITE | EXECUTE;
    let mut path = Vec::new();
    let mut table = q.eptp & ADDRESS;
    let mut level = 4;
    let (leaf, page_shift) = loop {
        let shift = 12 + 9 * (level - 1);
        let address = table + 8 * (q.gpa >> shift & 511);
        let entry = *memory.get(&address).unwrap_or(&0);
        rights &= entry;
        if entry & (READ | WRITE | EXECUTE) == 0 {
            return exit(q, VIOLATION, 0);
        }
        if is_misconfigured(q, entry, level) {
            return exit(q, MISCONFIGURATION, 0);
        }
        path.push((address, entry));
        if is_leaf(entry, level) {
            break (entry, shift);
        }
        table = entry & ADDRESS;
        level -= 1;
    };
    let needed = match q.access {
        "read" => READ,
        "write" => WRITE,
        _ => EXECUTE,
    };
    if rights & needed == 0 {
        return exit(q, VIOLATION, rights);
    }
    if q.eptp >> 6 & 1 != 0 {
        for (i, (address, entry)) in path.iter().enumerate() {
            let dirty = i + 1 == path.len() && q.access == "write";
            memory.insert(*address, entry | ACCESSED | if dirty { DIRTY } else { 0 });
        }
    }
    let offset = (1 << page_shift) - 1;
    Answer::Completed {
        hpa: (leaf & ADDRESS) & !offset | q.gpa & offset,
        page_shift,
    }
}
