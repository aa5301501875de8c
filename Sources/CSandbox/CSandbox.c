#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int32_t outcome(long result) { return result < 0 ? -errno : (int32_t)result; }

int32_t cs_not_dumpable(void) { return outcome(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)); }
int32_t cs_is_dumpable(void) { return outcome(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)); }
int32_t cs_no_new_privileges(void) { return outcome(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }
int32_t cs_has_no_new_privileges(void) { return outcome(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); }

// PR_CAPBSET_READ fails for the first number beyond the running kernel's last capability: that ends both loops.
int32_t cs_empty_bounding_set(void) {
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return -errno;
    return outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}
int32_t cs_bounding_set_is_empty(void) {
    for (unsigned long capability = 0;; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held < 0) return 1;
        if (held) return 0;
    }
}
bool cs_can_set_uid(void) {
    cap_t now = cap_get_proc();
    cap_flag_value_t uid = CAP_CLEAR, gid = CAP_CLEAR;
    if (!now) return false;
    cap_get_flag(now, CAP_SETUID, CAP_EFFECTIVE, &uid);
    cap_get_flag(now, CAP_SETGID, CAP_EFFECTIVE, &gid);
    cap_free(now);
    return uid == CAP_SET && gid == CAP_SET;
}
int32_t cs_become(uint32_t uid, uint32_t gid) {
    if (setgroups(0, NULL) < 0) return -errno;
    if (setresgid(gid, gid, gid) < 0) return -errno;
    return outcome(setresuid(uid, uid, uid));
}
int32_t cs_clear_capabilities(void) {
    cap_t none = cap_init();
    if (!none) return -errno;
    int32_t result = outcome(cap_set_proc(none));
    cap_free(none);
    return result;
}
int32_t cs_capabilities_are_empty(void) {
    cap_t now = cap_get_proc(), none = cap_init();
    int32_t same = now && none ? cap_compare(now, none) == 0 : -errno;
    cap_free(now);
    cap_free(none);
    if (same != 1) return same;
    for (unsigned long capability = 0;; capability++) {
        int held = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0);
        if (held < 0) return 1;
        if (held) return 0;
    }
}

// Headers of Debian 12 know version 2; the later rights are numbered by the kernel's document (landlock.rst): a right that a
// header doesn't name yet can still be forbidden. The syscall numbers are the same on every architecture since Linux 5.13.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
struct ruleset { uint64_t handled_access_fs, handled_access_net, scoped; };

int32_t cs_landlock_version(void) { return outcome(syscall(SYS_landlock_create_ruleset, NULL, 0, 1u)); }
int32_t cs_landlock_forbid_all(int32_t version) {
    struct ruleset everything = {.handled_access_fs = (1u << 13) - 1};
    size_t size = sizeof everything.handled_access_fs;
    if (version >= 2) everything.handled_access_fs |= 1u << 13; // refer
    if (version >= 3) everything.handled_access_fs |= 1u << 14; // truncate
    if (version >= 4) everything.handled_access_net = 3, size += 8; // bind and connect TCP
    if (version >= 5) everything.handled_access_fs |= 1u << 15; // ioctl on devices
    if (version >= 6) everything.scoped = 3, size += 8; // abstract sockets and signals of others
    long ruleset = syscall(SYS_landlock_create_ruleset, &everything, size, 0u);
    if (ruleset < 0) return -errno;
    int32_t result = outcome(syscall(SYS_landlock_restrict_self, ruleset, 0u));
    close((int)ruleset);
    return result;
}

// What the loop does, what the allocator may do, and what ending takes. A name that this architecture doesn't have
// (epoll_wait on arm64) is passed over.
static const char *const allowed[] = {
    "read", "write", "pread64", "pwrite64", "recvfrom",                // descriptors that are open
    "epoll_wait", "epoll_pwait", "epoll_ctl", "accept4", "getsockopt", // connections
    "poll", "ppoll",                                                   // whether the log takes a line
    "close", "brk", "munmap", "mremap", "madvise", "futex",            // the allocator
    "clock_gettime", "getrandom", "rt_sigreturn", "restart_syscall",   // time, tokens
    "fstat",                                                           // whether the saved state is still there
    "exit", "exit_group",
};
int32_t cs_load_system_call_filter(void) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter) return -ENOMEM;
    int result = 0;
    for (unsigned i = 0; i < sizeof allowed / sizeof *allowed && result == 0; i++) {
        int number = seccomp_syscall_resolve_name(allowed[i]);
        if (number >= 0) result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    // Memory for data, never for code.
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (result == 0) result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}
