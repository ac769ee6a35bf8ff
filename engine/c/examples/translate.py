#!/usr/bin/env python3
"""translate.py [LIBRARY]: what translate.c does, from Python.

Host memory is a function here: a debugger would read the target's. Nothing is
written to it, because there is no function that does.
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_int, c_int8, c_size_t, c_uint8
from ctypes import c_uint16, c_uint32, c_uint64, c_void_p


def structure(name, *fields):
    """A ctypes structure: (type, "names of fields") in their order."""
    members = [(one, kind) for kind, names in fields for one in names.split()]
    return type(name, (ctypes.Structure,), {"_fields_": members})


Machine = structure(
    "Machine",
    (c_uint32, "size cpu"), (c_uint64, "ept_vpid_cap"),
    (c_uint8, "maxphyaddr keyid_bits"), (c_uint8 * 6, "reserved0"),
    (c_uint32, "pin_based primary secondary exception_bitmap"),
    (c_uint64, "tertiary vm_functions eptp pml_address spptp"
               " ve_information_address eptp_list_address hlatp"
               " apic_access_address secondary_exit_controls"),
    (c_uint32, "entry_controls exit_controls"),
    (c_uint16, "pml_index eptp_index hlat_prefix_size vpid"),
    (c_uint64, "cr0 cr3 cr4 efer pat rflags"), (c_uint64 * 4, "pdpte"),
    (c_uint32, "pkru pkrs"),
    (c_uint8, "cpl cs_l event_delivery nmi_unblocking transactional"
              " busy_shadow_stack"), (c_uint8 * 2, "reserved1"))
Load = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, POINTER(c_uint64))
Memory = structure(
    "Memory",
    (c_uint32, "size reserved"), (c_void_p, "image"),
    (c_uint64, "image_bytes first"), (c_void_p, "context"), (Load, "load"),
    (c_void_p, "store compare_exchange"))
Translation = structure(
    "Translation",
    (c_uint64, "address guest_structure_types"),
    (c_uint8, "page_shift memory_type structure_memory_type"),
    (c_uint8 * 5, "reserved"))
Access = structure(
    "Access",
    (c_uint32, "size"), (c_uint8, "kind implicit_supervisor"),
    (c_uint16, "bytes"),
    (c_uint8, "wruss asynchronous pebs without_gla user writable"
              " execute_disable pat_index"), (c_uint64, "gla"))
Event = structure(
    "Event",
    (c_uint32, "size kind translation_count failed_check"),
    (Translation * 2, "translations"),
    (c_uint32, "exit_reason interruption_information"),
    (c_uint64, "qualification gpa gla cr2"),
    (c_uint32, "error_code reserved"))
Entry = structure(
    "Entry",
    (c_uint32, "size"),
    (c_uint8, "kind level page_shift read write execute"),
    (c_int8, "execute_for_user memory_type ignore_pat accessed dirty"
             " reserved"), (c_uint64, "value at address"))

READ, WRITE, LEAF, VM_EXIT = 0, 1, 3, 1


def check(status):
    if status != 0:
        sys.exit(f"status {status}")


def main():
    library = ctypes.CDLL(
        sys.argv[1] if len(sys.argv) > 1 else "libeptdiff_engine.so.1")
    if library.eptdiff_engine_abi() != 1:
        sys.exit("another version of the library")
    library.eptdiff_engine_machine_init.argtypes = [c_void_p, c_size_t]
    library.eptdiff_engine_translate.argtypes = [
        c_void_p, c_uint64, c_uint32, c_uint32, c_void_p]
    library.eptdiff_engine_access.argtypes = [
        c_void_p, c_void_p, c_uint64, c_void_p]
    library.eptdiff_engine_walk.argtypes = [
        c_void_p, c_uint64, c_void_p, c_void_p]
    library.eptdiff_engine_invept.argtypes = [
        c_void_p, c_uint64, c_uint64, c_void_p]

    words = {0x1000: 0x2007,      # PML4E: tables at 2000H
             0x2000: 0x400000b5}  # PDPTE: a 1-GByte page, not writable, WB

    @Load
    def load(_, address, word):
        word[0] = words.get(address, 0)
        return 1

    machine = Machine()
    library.eptdiff_engine_machine_init(byref(machine), ctypes.sizeof(machine))
    machine.ept_vpid_cap = 0x06134040
    machine.primary = 0x80000000  # activate secondary controls
    machine.secondary = 0x22      # enable EPT, enable VPID
    machine.vpid = 1
    machine.eptp = 0x101e         # WB, 4 levels, the PML4 table at 1000H
    memory = Memory(size=ctypes.sizeof(Memory), load=load)
    engine = c_void_p()
    check(library.eptdiff_engine_create(
        byref(machine), byref(memory), c_uint64(1024), byref(engine)))

    def translate(gpa):
        page = Translation()
        if not library.eptdiff_engine_translate(
                engine, gpa, READ, 0, byref(page)):
            sys.exit("no translation")
        return page

    page = translate(0x1234)
    print(f"GPA 1234H is HPA {page.address:X}H, "
          f"{'1-GByte' if page.page_shift == 30 else 'smaller'} page, "
          f"{'WB' if page.memory_type == 6 else 'not WB'}")

    write = Access(size=ctypes.sizeof(Access), kind=WRITE, bytes=8)
    event = Event(size=ctypes.sizeof(Event))
    check(library.eptdiff_engine_access(
        engine, byref(write), 0x1234, byref(event)))
    if event.kind != VM_EXIT or event.exit_reason != 48:
        sys.exit("the write does not exit")
    print("a write there: EPT violation, "
          f"qualification {event.qualification:X}H")

    entries = (Entry * 5)(*[Entry(size=ctypes.sizeof(Entry))] * 5)
    count = c_size_t()
    check(library.eptdiff_engine_walk(
        engine, 0x1234, entries, byref(count)))
    last = entries[count.value - 1]
    print(f"PDPTE at {last.at:X}H = {last.value:X}H: "
          f"{'leaf' if last.kind == LEAF else 'no leaf'}")

    translate(0x1234)  # the violation ended what was kept of it
    words[0x2000] = 0x800000b5
    print(f"moved, it is {translate(0x1234).address:X}H")
    check(library.eptdiff_engine_invept(
        engine, 1, machine.eptp, byref(event)))
    print(f"after INVEPT, it is {translate(0x1234).address:X}H")
    library.eptdiff_engine_destroy(engine)


main()
