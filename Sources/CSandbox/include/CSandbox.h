// The calls with which the helper gives up its privileges, by libcap, prctl, Landlock and seccomp. What can fail returns a negative
// errno. Apart from CLinux so that the controller doesn't need libcap.
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stdbool.h>
#include <stdint.h>

// Each names one prctl(2) of the sequence.
int32_t cs_not_dumpable(void);
int32_t cs_is_dumpable(void);
int32_t cs_no_new_privileges(void);
int32_t cs_has_no_new_privileges(void);
// Drops every capability of the running kernel from the bounding set, and clears the ambient set (capabilities(7)).
int32_t cs_empty_bounding_set(void);
// 1 when no capability is left in the bounding set.
int32_t cs_bounding_set_is_empty(void);
bool cs_can_set_uid(void);
// setgroups, setresgid and setresuid, in the order that keeps the right to do the next.
int32_t cs_become(uint32_t uid, uint32_t gid);
int32_t cs_clear_capabilities(void);
// 1 when permitted, effective, inheritable and ambient sets are all empty.
int32_t cs_capabilities_are_empty(void);
// The version of Landlock that the kernel speaks; a negative errno where it has none (landlock_create_ruleset(2)).
int32_t cs_landlock_version(void);
// Forbids everything that this version of Landlock can forbid; no rule allows anything. Returns the version in force, which is
// an older one where the kernel doesn't know all the rights of the one it claims.
int32_t cs_landlock_forbid_all(int32_t version);
// A filter that kills the process at any system call that is not on the list in Filter.c.
int32_t cs_load_system_call_filter(void);
// That list on this architecture: names with their numbers; NULL behind the last.
const char *cs_allowed_call(uint32_t index, int32_t *number);

#endif
