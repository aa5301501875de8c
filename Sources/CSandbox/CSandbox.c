#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sys/capability.h>
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
    if (getgroups(0, NULL) != 0) return -EPERM;
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

// The kernel numbers Landlock's calls and rights the same on every architecture (include/uapi/linux/landlock.h). Rights that came
// with a later version than Debian 12's headers know are given by number, so that a newer kernel forbids them too.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif
struct rights { uint64_t fs, net, scoped; };
static const struct { int32_t since; struct rights rights; } landlock_rights[] = {
    {1, {.fs = 0x1FFF}},   // execute, read, write, list, remove and make anything
    {2, {.fs = 1 << 13}},  // refer: link or rename into another directory (version 1 forbids it unasked)
    {3, {.fs = 1 << 14}},  // truncate
    {4, {.net = 3}},       // bind and connect TCP
    {5, {.fs = 1 << 15}},  // ioctl on devices
    {6, {.scoped = 3}},    // abstract Unix sockets, and signals to others
    {9, {.fs = 1 << 16}},  // connect to Unix sockets by path
    {10, {.net = 3 << 2}}, // bind and send UDP
};

int32_t cs_landlock_version(void) { return outcome(syscall(SYS_landlock_create_ruleset, NULL, 0, 1u)); }
static long landlock_ruleset(int32_t version) {
    struct rights all = {0};
    for (unsigned i = 0; i < sizeof landlock_rights / sizeof *landlock_rights; i++) {
        if (landlock_rights[i].since > version) break;
        all.fs |= landlock_rights[i].rights.fs;
        all.net |= landlock_rights[i].rights.net;
        all.scoped |= landlock_rights[i].rights.scoped;
    }
    // Kernels that know fewer fields take the rest for granted while it is zero.
    return syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0u);
}
int32_t cs_landlock_forbid_all(int32_t version) {
    long ruleset = landlock_ruleset(version);
    // A distribution's kernel can claim a version of which it has only a part (Red Hat's 5.14 claims 6).
    while (ruleset < 0 && (errno == EINVAL || errno == E2BIG) && version > 1) ruleset = landlock_ruleset(--version);
    if (ruleset < 0) return -errno;
    int32_t result = outcome(syscall(SYS_landlock_restrict_self, ruleset, 0u));
    close((int)ruleset);
    return result < 0 ? result : version;
}
