"""The system call filter that the kernel holds for a process, and what it answers: seccomp(2), Documentation/networking/filter.rst."""
import ctypes
import os
import struct

# linux/audit.h, seccomp.h, ptrace.h and bpf_common.h.
AARCH64, ARM = 0xC00000B7, 0x40000028
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_SECCOMP_GET_FILTER = 17, 0x4206, 0x4207, 0x420C
LOAD_WORD, JUMP_EQUAL, JUMP_SET, RETURN = 0x20, 0x15, 0x45, 0x06


def program(pid):
    """Its only filter: (code, jump if true, jump if false, value) each. Needs CAP_SYS_ADMIN and CONFIG_CHECKPOINT_RESTORE."""
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.restype = ctypes.c_long
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def ptrace(request, address, data):
        if (result := library.ptrace(request, pid, address, data)) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")
        return result

    ptrace(PTRACE_SEIZE, 0, 0)
    try:
        ptrace(PTRACE_INTERRUPT, 0, 0)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        # The newest has number 0.
        buffer = ctypes.create_string_buffer(8 * ptrace(PTRACE_SECCOMP_GET_FILTER, 0, 0))
        ptrace(PTRACE_SECCOMP_GET_FILTER, 0, ctypes.addressof(buffer))
    finally:
        ptrace(PTRACE_DETACH, 0, 0)
    return list(struct.iter_unpack("<HBBI", buffer.raw))


def answer(instructions, number, architecture, arguments):
    """What the filter says to a call: it runs on struct seccomp_data."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    at, accumulator = 0, 0
    while True:
        code, when_true, when_false, value = instructions[at]
        at += 1
        if code == LOAD_WORD:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == JUMP_EQUAL:
            at += when_true if accumulator == value else when_false
        elif code == JUMP_SET:
            at += when_true if accumulator & value else when_false
        elif code == RETURN:
            return value
        else:
            raise ValueError(f"an instruction that no filter of ours has: {code:#x}")
