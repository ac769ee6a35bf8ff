//! What judge_answer.c does, from Rust, with host memory as a function.
//!
//! rustc -L FOLDER -l eptdiff_judge judge_answer.rs
use std::collections::HashMap;
use std::ffi::{c_void, CStr};
use std::mem::size_of;
use std::os::raw::{c_char, c_int};

#[repr(C)]
#[derive(Default)]
struct Question {
    size: u32,
    step: u32,
    access: u8,
    bytes: u8,
    implicit_supervisor: u8,
    wruss: u8,
    asynchronous: u8,
    gla_valid: u8,
    page_user: u8,
    page_writable: u8,
    page_execute_disable: u8,
    page_pat_index: u8,
    reserved0: [u8; 6],
    gpa: u64,
    gla: u64,
    index: u32,
    reserved1: u32,
    ept_vpid_cap: u64,
    cpu: u32,
    maxphyaddr: u8,
    reserved2: [u8; 3],
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
    reserved3: [u8; 3],
    entry_controls: u32,
    exit_controls: u32,
    apic_access_address: u64,
    value: u64,
    descriptor: [u64; 2],
    function: u32,
    vmcs_field: u32,
    access_bytes: u16,
    guest_register: u8,
    invalidation: u8,
    invalidation_type: u8,
    processor: u8,
    pebs: u8,
    keyid_bits: u8,
    secondary_exit_controls: u64,
    delivered_event: u32,
    delivered_error_code: u32,
    pending_debug: u32,
    interruptibility: u8,
    instruction_length: u8,
    busy_shadow_stack: u8,
    reserved4: u8,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Translation {
    address: u64,
    page_shift: u8,
    memory_type: u8,
    structure_memory_type: u8,
    reserved: [u8; 5],
    guest_structure_types: u64,
}

#[repr(C)]
#[derive(Default)]
struct Answer {
    size: u32,
    event: u32,
    translation_count: u32,
    reserved0: u32,
    translations: [Translation; 2],
    exit_reason: u16,
    reserved1: u16,
    interruption_information: u32,
    qualification: u64,
    gpa: u64,
    gla: u64,
    cr2: u64,
    error_code: u32,
    failed_check: u32,
    eptp: u64,
    pdpte: [u64; 4],
    pml_index: u16,
    eptp_index: u16,
    reserved2: u32,
    exit_reason_flags: u16,
    reserved3: u16,
    vectoring_information: u32,
    vectoring_error_code: u32,
    instruction_length: u32,
    interruptibility: u32,
    reserved4: u32,
    rflags: u64,
    pending_debug: u64,
}

#[repr(C)]
struct Memory {
    size: u32,
    reserved: u32,
    image: *const c_void,
    image_bytes: u64,
    first: u64,
    context: *const c_void,
    load: Option<unsafe extern "C" fn(*const c_void, u64) -> u64>,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Store {
    address: u64,
    value: u64,
}

#[repr(C)]
struct Finding {
    size: u32,
    permitted: u32,
    rule: *const c_char,
    section: *const c_char,
    words: *const c_char,
    level: u32,
    bit: u32,
    field: *const c_char,
    expected: u64,
    given: u64,
    word: u64,
}

extern "C" {
    fn eptdiff_judge_abi() -> u32;
    fn eptdiff_judge_create(judge: *mut *mut c_void) -> c_int;
    fn eptdiff_judge_destroy(judge: *mut c_void);
    fn eptdiff_judge_ask(
        judge: *mut c_void,
        question: *const Question,
        memory: *const Memory,
    ) -> c_int;
    fn eptdiff_judge_answer_init(judge: *mut c_void, answer: *mut Answer, size: usize) -> c_int;
    fn eptdiff_judge_answer(
        judge: *mut c_void,
        answer: *const Answer,
        stores: *const Store,
        store_count: usize,
        profile: *const c_void,
        finding: *mut Finding,
    ) -> c_int;
    fn eptdiff_judge_alternative(
        judge: *mut c_void,
        which: usize,
        answer: *mut Answer,
        stores: *mut Store,
        store_count: *mut usize,
        decided: *mut Finding,
    ) -> c_int;
}

const MAX_STORES: usize = 157;
type Words = HashMap<u64, u64>;

/// `context` is a `Words`, which outlives the question.
unsafe extern "C" fn load(context: *const c_void, address: u64) -> u64 {
    let words = &*(context as *const Words);
    words.get(&address).copied().unwrap_or(0)
}

/// Text of the library's, which is constant.
fn text(words: *const c_char) -> &'static str {
    unsafe { CStr::from_ptr(words) }.to_str().expect("ASCII")
}

fn verdict(finding: &Finding) -> &'static str {
    if finding.permitted != 0 { "permitted" } else { "forbidden" }
}

fn main() {
    assert_eq!(unsafe { eptdiff_judge_abi() }, 1);
    let words = Words::from([
        (0x1000, 0x2007),   // PML4E
        (0x2000, 0x3007),   // PDPTE
        (0x3000, 0x2010b1), // PDE: a 2-MByte page, with bit 12
    ]);
    let memory = Memory {
        size: size_of::<Memory>() as u32,
        reserved: 0,
        image: std::ptr::null(),
        image_bytes: 0,
        first: 0,
        context: &words as *const Words as *const c_void,
        load: Some(load),
    };
    let question = Question {
        size: size_of::<Question>() as u32,
        bytes: 1,
        gla_valid: 1,
        gpa: 0x1234,
        gla: 0x1234,
        ept_vpid_cap: 0x06134141,
        maxphyaddr: 46,
        primary: 0x80000000,
        secondary: 0x2,
        eptp: 0x101e,
        pat: 0x0007040600070406,
        rflags: 2,
        ..Question::default()
    };
    let mut judge = std::ptr::null_mut();
    let mut answer = Answer::default();
    let mut finding: Finding = unsafe { std::mem::zeroed() };
    finding.size = size_of::<Finding>() as u32;
    unsafe {
        assert_eq!(eptdiff_judge_create(&mut judge), 0);
        assert_eq!(eptdiff_judge_ask(judge, &question, &memory), 0);
        assert_eq!(eptdiff_judge_answer_init(judge, &mut answer, size_of::<Answer>()), 0);
    }
    answer.translation_count = 1; // it completes
    answer.translations[0] = Translation {
        address: 0x201234,
        page_shift: 21,
        memory_type: 6,
        structure_memory_type: 6,
        ..Translation::default()
    };
    let none = std::ptr::null();
    let status = unsafe {
        eptdiff_judge_answer(judge, &answer, std::ptr::null(), 0, none, &mut finding)
    };
    assert_eq!(status, 0);
    println!(
        "a read that completes: {} by {} at level {} ({})\n  {}",
        verdict(&finding),
        text(finding.rule),
        finding.level,
        text(finding.field),
        text(finding.words)
    );

    let mut permitted = Answer { size: size_of::<Answer>() as u32, ..Answer::default() };
    let mut stores = [Store::default(); MAX_STORES];
    let mut count = 0;
    let status = unsafe {
        let stores = stores.as_mut_ptr();
        eptdiff_judge_alternative(judge, 0, &mut permitted, stores, &mut count, &mut finding)
    };
    assert_eq!(status, 0);
    println!(
        "the SDM has: VM exit {}, GPA {:X}H, by {}",
        permitted.exit_reason,
        permitted.gpa,
        text(finding.rule)
    );

    permitted.gla = 0x5555; // undefined at a misconfiguration
    let status = unsafe {
        eptdiff_judge_answer(judge, &permitted, stores.as_ptr(), count, none, &mut finding)
    };
    assert_eq!(status, 0);
    println!("the same with another GLA: {}", verdict(&finding));
    unsafe { eptdiff_judge_destroy(judge) };
}
