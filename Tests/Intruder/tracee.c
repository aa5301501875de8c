#define _GNU_SOURCE
#include "tracee.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

static struct ptrace_syscall_info entered;
static bool has_executed;

static void fail(const char *what) {
    fprintf(stderr, "Intruder: %s: ", what);
    perror(NULL);
    exit(2);
}

void attach(pid_t program, bool for_good) {
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
    if (for_good) options |= PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
    if (ptrace(PTRACE_SEIZE, program, 0, options) < 0) fail("ptrace");
    if (ptrace(PTRACE_INTERRUPT, program, 0, 0) < 0) fail("PTRACE_INTERRUPT");
    int status;
    if (waitpid(program, &status, __WALL) < 0 || !WIFSTOPPED(status)) fail("the program didn't stop");
}
void let_go(pid_t program) {
    if (ptrace(PTRACE_DETACH, program, 0, 0) < 0) fail("PTRACE_DETACH");
}

// Runs on to the next stop at a system call.
static bool next_stop(pid_t program, struct ptrace_syscall_info *info) {
    int status, signal = 0;
    while (ptrace(PTRACE_SYSCALL, program, 0, signal) == 0) {
        while (waitpid(program, &status, __WALL) < 0)
            if (errno != EINTR) fail("waitpid");
        if (WIFSIGNALED(status)) {
            printf("killed %d\n", WTERMSIG(status));
            return false;
        }
        if (WIFEXITED(status)) return false;
        signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) {
            if (ptrace(PTRACE_GET_SYSCALL_INFO, program, sizeof *info, info) <= 0) fail("PTRACE_GET_SYSCALL_INFO");
            return true;
        }
        // A stop that ptrace makes itself (a child, PTRACE_INTERRUPT) is no signal.
        if (status >> 16) signal = 0;
        if (status >> 16 == PTRACE_EVENT_EXEC) has_executed = true;
    }
    return false;
}

bool next_call(pid_t program) {
    do
        if (!next_stop(program, &entered)) return false;
    while (entered.op != PTRACE_SYSCALL_INFO_ENTRY);
    return true;
}
long entered_call(void) { return (long)entered.entry.nr; }
unsigned long entered_argument(unsigned index) { return entered.entry.args[index]; }

#if defined(__x86_64__)
typedef struct user_regs_struct registers;
static void set_call(pid_t program, registers *set, long number) {
    (void)program;
    set->orig_rax = (unsigned long)number;
}
static void set_arguments(registers *set, const unsigned long argument[6]) {
    set->rdi = argument[0], set->rsi = argument[1], set->rdx = argument[2];
    set->r10 = argument[3], set->r8 = argument[4], set->r9 = argument[5];
}
static void set_result(registers *set, long result) { set->rax = (unsigned long)result; }
// Back to the instruction that entered the kernel (syscall: 0f 05).
static void again(registers *set) { set->rax = set->orig_rax, set->rip -= 2; }
#elif defined(__aarch64__)
typedef struct user_regs_struct registers;
static void set_call(pid_t program, registers *set, long number) {
    int value = (int)number;
    struct iovec one = {&value, sizeof value};
    set->regs[8] = (unsigned long)number;
    if (ptrace(PTRACE_SETREGSET, program, NT_ARM_SYSTEM_CALL, &one) < 0) fail("NT_ARM_SYSTEM_CALL");
}
static void set_arguments(registers *set, const unsigned long argument[6]) {
    for (int i = 0; i < 6; i++) set->regs[i] = argument[i];
}
static void set_result(registers *set, long result) { set->regs[0] = (unsigned long)result; }
static void again(registers *set) { set->pc -= 4; }
#else
#error "the registers of a system call on this architecture"
#endif

static registers get_registers(pid_t program) {
    registers set;
    struct iovec all = {&set, sizeof set};
    if (ptrace(PTRACE_GETREGSET, program, NT_PRSTATUS, &all) < 0) fail("PTRACE_GETREGSET");
    return set;
}
static void set_registers(pid_t program, registers *set) {
    struct iovec all = {set, sizeof *set};
    if (ptrace(PTRACE_SETREGSET, program, NT_PRSTATUS, &all) < 0) fail("PTRACE_SETREGSET");
}

void finish_call(pid_t program, bool skip, long result) {
    if (skip) {
        registers set = get_registers(program);
        set_call(program, &set, -1);
        set_registers(program, &set);
    }
    struct ptrace_syscall_info left;
    if (!next_stop(program, &left)) exit(1);
    registers set = get_registers(program);
    set_result(&set, result);
    set_registers(program, &set);
}

static registers replaced;
long replace_call(pid_t program, long number, const unsigned long argument[6]) {
    replaced = get_registers(program);
    registers set = replaced;
    has_executed = false;
    set_call(program, &set, number);
    set_arguments(&set, argument);
    set_registers(program, &set);
    struct ptrace_syscall_info left;
    if (!next_stop(program, &left)) exit(1);
    return (long)left.exit.rval;
}
void enter_again(pid_t program) {
    again(&replaced);
    if (!has_executed) set_registers(program, &replaced);
    if (!next_call(program)) exit(1);
}

void peek(pid_t program, unsigned long address, void *bytes, size_t count) {
    struct iovec here = {bytes, count}, there = {(void *)address, count};
    if (process_vm_readv(program, &here, 1, &there, 1, 0) != (ssize_t)count) fail("process_vm_readv");
}
void poke(pid_t program, unsigned long address, const void *bytes, size_t count) {
    struct iovec here = {(void *)bytes, count}, there = {(void *)address, count};
    if (process_vm_writev(program, &here, 1, &there, 1, 0) != (ssize_t)count) fail("process_vm_writev");
}
