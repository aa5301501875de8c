// The system call filter, in the kernel's own words (seccomp(2), Documentation/userspace-api/seccomp_filter.rst): it compares one
// number with twenty. A library that knows every call of every architecture would be a tenth of the program.
#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define THIS_ABI AUDIT_ARCH_X86_64 // x32 has the same, and numbers of its own, which are on no list
#elif defined __aarch64__
#define THIS_ABI AUDIT_ARCH_AARCH64
#else
#error "this architecture's AUDIT_ARCH_… is missing (linux/audit.h)"
#endif

// The one list of what the helper may still call; docs/security.md says what for, and a test holds the two together.
#define CALL(name) {#name, SYS_##name, 0}
static const struct call {
    const char *name;
    uint32_t number;
    // Bits that its third argument must not have.
    uint32_t without;
} allowed[] = {
    CALL(read),
    CALL(write),
    CALL(pread64),
    CALL(pwrite64),
    CALL(recvfrom),
// arm64 has others in the place of two.
#ifdef SYS_epoll_wait
    CALL(epoll_wait),
#else
    CALL(epoll_pwait),
#endif
    CALL(epoll_ctl),
    CALL(accept4),
    CALL(getsockopt),
#ifdef SYS_poll
    CALL(poll),
#else
    CALL(ppoll),
#endif
    CALL(fstat),
    CALL(close),
    CALL(brk),
    {"mmap", SYS_mmap, PROT_EXEC}, // memory for data, never for code
    CALL(munmap),
    CALL(madvise),
    CALL(clock_gettime),
    CALL(restart_syscall), // the kernel's way to go on with a poll that SIGSTOP interrupted (signal(7))
    CALL(exit_group),
};
enum { allowed_count = sizeof allowed / sizeof *allowed };

const char *cs_allowed_call(uint32_t index, int32_t *number) {
    if (index >= allowed_count) return NULL;
    *number = (int32_t)allowed[index].number;
    return allowed[index].name;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
int32_t cs_load_system_call_filter(void) {
    struct sock_filter program[4 + 5 * allowed_count] = {
        LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ABI, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), LOAD(nr),
    };
    unsigned short length = 4;
    for (unsigned i = 0; i < allowed_count; i++) {
        const struct call *call = &allowed[i];
        const unsigned char others = call->without ? 4 : 1;
        program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, others);
        if (call->without) {
            // The lower half: both architectures put it first.
            program[length++] = (struct sock_filter)LOAD(args[2]);
            program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, call->without, 0, 1);
            program[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
        }
        program[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_ALLOW);
    }
    program[length++] = (struct sock_filter)ANSWER(SECCOMP_RET_KILL_PROCESS);
    const struct sock_fprog filter = {.len = length, .filter = program};
    // Every thread's, or nobody's (Linux 3.17); more than 0 is a thread that can't have it.
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return result < 0 ? -errno : result > 0 ? -ESRCH : 0;
}
