#!/usr/bin/env python3
"""judge_answer.py [LIBRARY]: what judge_answer.c does, from Python, with host
memory as a function."""
import ctypes
import sys
from ctypes import byref, c_char_p, c_size_t, c_uint8
from ctypes import c_uint16, c_uint32, c_uint64, c_void_p


def structure(name, *fields):
    """A ctypes structure: (type, "names of fields") in their order."""
    members = [(one, kind) for kind, names in fields for one in names.split()]
    return type(name, (ctypes.Structure,), {"_fields_": members})


Question = structure(
    "Question",
    (c_uint32, "size step"),
    (c_uint8, "access bytes implicit_supervisor wruss asynchronous gla_valid"
              " page_user page_writable page_execute_disable page_pat_index"),
    (c_uint8 * 6, "reserved0"), (c_uint64, "gpa gla"),
    (c_uint32, "index reserved1"), (c_uint64, "ept_vpid_cap"),
    (c_uint32, "cpu"), (c_uint8, "maxphyaddr"), (c_uint8 * 3, "reserved2"),
    (c_uint32, "pin_based primary secondary exception_bitmap"),
    (c_uint64, "tertiary vm_functions eptp pml_address spptp"
               " ve_information_address eptp_list_address hlatp"),
    (c_uint16, "pml_index eptp_index hlat_prefix_size vpid"),
    (c_uint64, "cr0 cr3 cr4 efer pat rflags"), (c_uint64 * 4, "pdpte"),
    (c_uint32, "pkru pkrs"),
    (c_uint8, "cpl cs_l event_delivery nmi_unblocking transactional"),
    (c_uint8 * 3, "reserved3"), (c_uint32, "entry_controls exit_controls"),
    (c_uint64, "apic_access_address value"), (c_uint64 * 2, "descriptor"),
    (c_uint32, "function vmcs_field"), (c_uint16, "access_bytes"),
    (c_uint8, "guest_register invalidation invalidation_type processor pebs"
              " keyid_bits"), (c_uint64, "secondary_exit_controls"),
    (c_uint32, "delivered_event delivered_error_code pending_debug"),
    (c_uint8, "interruptibility instruction_length busy_shadow_stack"
              " reserved4"))
Translation = structure(
    "Translation",
    (c_uint64, "address"),
    (c_uint8, "page_shift memory_type structure_memory_type"),
    (c_uint8 * 5, "reserved"), (c_uint64, "guest_structure_types"))
Answer = structure(
    "Answer",
    (c_uint32, "size event translation_count reserved0"),
    (Translation * 2, "translations"), (c_uint16, "exit_reason reserved1"),
    (c_uint32, "interruption_information"),
    (c_uint64, "qualification gpa gla cr2"),
    (c_uint32, "error_code failed_check"), (c_uint64, "eptp"),
    (c_uint64 * 4, "pdpte"), (c_uint16, "pml_index eptp_index"),
    (c_uint32, "reserved2"), (c_uint16, "exit_reason_flags reserved3"),
    (c_uint32, "vectoring_information vectoring_error_code"
               " instruction_length interruptibility reserved4"),
    (c_uint64, "rflags pending_debug"))
Load = ctypes.CFUNCTYPE(c_uint64, c_void_p, c_uint64)
Memory = structure(
    "Memory",
    (c_uint32, "size reserved"), (c_void_p, "image"),
    (c_uint64, "image_bytes first"), (c_void_p, "context"), (Load, "load"))
Store = structure("Store", (c_uint64, "address value"))
Finding = structure(
    "Finding",
    (c_uint32, "size permitted"), (c_char_p, "rule section words"),
    (c_uint32, "level bit"), (c_char_p, "field"),
    (c_uint64, "expected given word"))

MAX_STORES = 157


def check(status):
    if status != 0:
        sys.exit(f"status {status}")


def verdict(finding):
    return "permitted" if finding.permitted else "forbidden"


def main():
    library = ctypes.CDLL(
        sys.argv[1] if len(sys.argv) > 1 else "libeptdiff_judge.so.1")
    if library.eptdiff_judge_abi() != 1:
        sys.exit("another version of the library")
    library.eptdiff_judge_answer_init.argtypes = [c_void_p, c_void_p, c_size_t]
    library.eptdiff_judge_answer.argtypes = [
        c_void_p, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p]
    library.eptdiff_judge_alternative.argtypes = [
        c_void_p, c_size_t, c_void_p, c_void_p, c_void_p, c_void_p]

    words = {0x1000: 0x2007,    # PML4E
             0x2000: 0x3007,    # PDPTE
             0x3000: 0x2010b1}  # PDE: a 2-MByte page, with bit 12
    load = Load(lambda _, address: words.get(address, 0))
    memory = Memory(size=ctypes.sizeof(Memory), load=load)
    question = Question(
        size=ctypes.sizeof(Question), step=0, access=0, bytes=1, gla_valid=1,
        gpa=0x1234, gla=0x1234, ept_vpid_cap=0x06134141, maxphyaddr=46,
        primary=0x80000000, secondary=0x2, eptp=0x101e,
        pat=0x0007040600070406, rflags=2)

    judge = c_void_p()
    check(library.eptdiff_judge_create(byref(judge)))
    check(library.eptdiff_judge_ask(judge, byref(question), byref(memory)))

    answer = Answer()
    check(library.eptdiff_judge_answer_init(
        judge, byref(answer), ctypes.sizeof(answer)))
    answer.event = 0  # completed
    answer.translation_count = 1
    page = answer.translations[0]
    page.address, page.page_shift = 0x201234, 21
    page.memory_type = page.structure_memory_type = 6
    finding = Finding(size=ctypes.sizeof(Finding))
    check(library.eptdiff_judge_answer(
        judge, byref(answer), None, 0, None, byref(finding)))
    print(f"a read that completes: {verdict(finding)} by "
          f"{finding.rule.decode()} at level {finding.level} "
          f"({finding.field.decode()})\n  {finding.words.decode()}")

    permitted = Answer(size=ctypes.sizeof(Answer))
    stores = (Store * MAX_STORES)()
    count = c_size_t()
    check(library.eptdiff_judge_alternative(
        judge, 0, byref(permitted), stores, byref(count), byref(finding)))
    print(f"the SDM has: VM exit {permitted.exit_reason}, "
          f"GPA {permitted.gpa:X}H, by {finding.rule.decode()}")

    permitted.gla = 0x5555  # undefined at a misconfiguration
    check(library.eptdiff_judge_answer(
        judge, byref(permitted), stores, count, None, byref(finding)))
    print(f"the same with another GLA: {verdict(finding)}")
    library.eptdiff_judge_destroy(judge)


main()
