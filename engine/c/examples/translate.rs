//! What translate.c does, from Rust: the declarations that it takes, and a
//! struct that owns the engine.
//!
//! rustc -L FOLDER -l eptdiff_engine translate.rs
use std::ffi::c_void;
use std::os::raw::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Machine {
    size: u32,
    cpu: u32,
    ept_vpid_cap: u64,
    maxphyaddr: u8,
    keyid_bits: u8,
    reserved0: [u8; 6],
    pin_based: u32,
    primary: u32,
    secondary: u32,
    exception_bitmap: u32,
    tertiary: u64,
    vm_functions: u64,
    eptp: u64,
    pml_address: u64,
    spptp: u64,
    ve_information_address: u64,
    eptp_list_address: u64,
    hlatp: u64,
    apic_access_address: u64,
    secondary_exit_controls: u64,
    entry_controls: u32,
    exit_controls: u32,
    pml_index: u16,
    eptp_index: u16,
    hlat_prefix_size: u16,
    vpid: u16,
    cr0: u64,
    cr3: u64,
    cr4: u64,
    efer: u64,
    pat: u64,
    rflags: u64,
    pdpte: [u64; 4],
    pkru: u32,
    pkrs: u32,
    cpl: u8,
    cs_l: u8,
    event_delivery: u8,
    nmi_unblocking: u8,
    transactional: u8,
    busy_shadow_stack: u8,
    reserved1: [u8; 2],
}

type Load = unsafe extern "C" fn(*mut c_void, u64, *mut u64) -> c_int;
type Store = unsafe extern "C" fn(*mut c_void, u64, u64) -> c_int;
type CompareExchange = unsafe extern "C" fn(*mut c_void, u64, u64, u64) -> c_int;

#[repr(C)]
struct Memory {
    size: u32,
    reserved: u32,
    image: *mut c_void,
    image_bytes: u64,
    first: u64,
    context: *mut c_void,
    load: Option<Load>,
    store: Option<Store>,
    compare_exchange: Option<CompareExchange>,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Translation {
    address: u64,
    guest_structure_types: u64,
    page_shift: u8,
    memory_type: u8,
    structure_memory_type: u8,
    reserved: [u8; 5],
}

#[repr(C)]
#[derive(Default)]
struct Access {
    size: u32,
    kind: u8,
    implicit_supervisor: u8,
    bytes: u16,
    wruss: u8,
    asynchronous: u8,
    pebs: u8,
    without_gla: u8,
    user: u8,
    writable: u8,
    execute_disable: u8,
    pat_index: u8,
    gla: u64,
}

#[repr(C)]
#[derive(Default)]
struct Event {
    size: u32,
    kind: u32,
    translation_count: u32,
    failed_check: u32,
    translations: [Translation; 2],
    exit_reason: u32,
    interruption_information: u32,
    qualification: u64,
    gpa: u64,
    gla: u64,
    cr2: u64,
    error_code: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Entry {
    size: u32,
    kind: u8,
    level: u8,
    page_shift: u8,
    read: u8,
    write: u8,
    execute: u8,
    execute_for_user: i8,
    memory_type: i8,
    ignore_pat: i8,
    accessed: i8,
    dirty: i8,
    reserved: i8,
    value: u64,
    at: u64,
    address: u64,
}

extern "C" {
    fn eptdiff_engine_abi() -> u32;
    fn eptdiff_engine_machine_init(machine: *mut Machine, size: usize);
    fn eptdiff_engine_create(
        machine: *const Machine,
        memory: *const Memory,
        cache_pages: u64,
        engine: *mut *mut c_void,
    ) -> c_int;
    fn eptdiff_engine_destroy(engine: *mut c_void);
    fn eptdiff_engine_translate(
        engine: *mut c_void,
        gpa: u64,
        usage: u32,
        pat_index: u32,
        page: *mut Translation,
    ) -> c_int;
    fn eptdiff_engine_access(
        engine: *mut c_void,
        request: *const Access,
        gpa: u64,
        event: *mut Event,
    ) -> c_int;
    fn eptdiff_engine_walk(
        engine: *mut c_void,
        gpa: u64,
        entries: *mut Entry,
        count: *mut usize,
    ) -> c_int;
    fn eptdiff_engine_invept(
        engine: *mut c_void,
        kind: u64,
        eptp: u64,
        event: *mut Event,
    ) -> c_int;
}

const SIZE_OF_EVENT: u32 = std::mem::size_of::<Event>() as u32;
const SIZE_OF_ENTRY: u32 = std::mem::size_of::<Entry>() as u32;

/// An engine, and the image of host memory that it walks in, and sets flags in.
struct Engine {
    engine: *mut c_void,
    image: Box<[AtomicU64]>,
}

impl Engine {
    fn new(machine: &Machine, image: Box<[AtomicU64]>, pages: u64) -> Option<Engine> {
        let memory = Memory {
            size: std::mem::size_of::<Memory>() as u32,
            reserved: 0,
            image: image.as_ptr() as *mut c_void,
            image_bytes: 8 * image.len() as u64,
            first: 0,
            context: std::ptr::null_mut(),
            load: None,
            store: None,
            compare_exchange: None,
        };
        let mut engine = std::ptr::null_mut();
        let status = unsafe { eptdiff_engine_create(machine, &memory, pages, &mut engine) };
        (status == 0).then_some(Engine { engine, image })
    }

    fn set_word(&self, address: usize, value: u64) {
        self.image[address / 8].store(value, Ordering::Relaxed);
    }

    fn translate(&mut self, gpa: u64) -> Option<Translation> {
        let mut page = Translation::default();
        let found = unsafe { eptdiff_engine_translate(self.engine, gpa, 0, 0, &mut page) };
        (found != 0).then_some(page)
    }

    fn write(&mut self, gpa: u64) -> Option<Event> {
        let request = Access {
            size: std::mem::size_of::<Access>() as u32,
            kind: 1,
            bytes: 8,
            ..Access::default()
        };
        let mut event = Event { size: SIZE_OF_EVENT, ..Event::default() };
        let status = unsafe { eptdiff_engine_access(self.engine, &request, gpa, &mut event) };
        (status == 0).then_some(event)
    }

    fn walk(&mut self, gpa: u64) -> Vec<Entry> {
        let mut entries = [Entry { size: SIZE_OF_ENTRY, ..Entry::default() }; 5];
        let mut count = 0;
        unsafe { eptdiff_engine_walk(self.engine, gpa, entries.as_mut_ptr(), &mut count) };
        entries[..count].to_vec()
    }

    fn invept(&mut self, eptp: u64) {
        let mut event = Event { size: SIZE_OF_EVENT, ..Event::default() };
        unsafe { eptdiff_engine_invept(self.engine, 1, eptp, &mut event) };
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        unsafe { eptdiff_engine_destroy(self.engine) }
    }
}

fn main() {
    assert_eq!(unsafe { eptdiff_engine_abi() }, 1);
    let mut machine = Machine::default();
    unsafe { eptdiff_engine_machine_init(&mut machine, std::mem::size_of::<Machine>()) };
    machine.ept_vpid_cap = 0x06134040;
    machine.primary = 0x80000000; // activate secondary controls
    machine.secondary = 0x22; // enable EPT, enable VPID
    machine.vpid = 1;
    machine.eptp = 0x101e; // WB, 4 levels, the PML4 table at 1000H

    let image = (0..0x3000 / 8).map(|_| AtomicU64::new(0)).collect();
    let mut engine = Engine::new(&machine, image, 1024).expect("an engine");
    engine.set_word(0x1000, 0x2007); // PML4E: tables at 2000H
    engine.set_word(0x2000, 0x400000b5); // PDPTE: 1 GByte, not writable, WB

    let page = engine.translate(0x1234).expect("a page");
    println!(
        "GPA 1234H is HPA {:X}H, {} page, {}",
        page.address,
        if page.page_shift == 30 { "1-GByte" } else { "smaller" },
        if page.memory_type == 6 { "WB" } else { "not WB" }
    );
    let event = engine.write(0x1234).expect("an answer");
    assert_eq!((event.kind, event.exit_reason), (1, 48));
    println!(
        "a write there: EPT violation, qualification {:X}H",
        event.qualification
    );
    let entries = engine.walk(0x1234);
    let last = entries.last().expect("an entry");
    println!(
        "PDPTE at {:X}H = {:X}H: {}",
        last.at,
        last.value,
        if last.kind == 3 { "leaf" } else { "no leaf" }
    );
    engine.translate(0x1234); // the violation ended what was kept of it
    engine.set_word(0x2000, 0x800000b5);
    println!("moved, it is {:X}H", engine.translate(0x1234).expect("a page").address);
    engine.invept(machine.eptp);
    println!("after INVEPT, it is {:X}H", engine.translate(0x1234).expect("a page").address);
}
