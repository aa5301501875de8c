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

// A thread that reads and writes the files of one zone, so that nobody waits for its driver. It has to be started before the filter, which
// is then every thread's. One order at a time: the next may be given when `cs_worker_is_busy` is false.
struct cs_worker;
// Of each limit the file itself, the least and the most that it takes.
enum cs_worker_file { cs_worker_status, cs_worker_reading, cs_worker_limit, cs_worker_minimum, cs_worker_maximum };
enum { cs_worker_stride = 3, cs_worker_limits = 4 };
// An eventfd that is readable when a worker is done with something, to be given to each; a negative errno.
int32_t cs_worker_events(void);
// `apart`: a process in the place of a thread, for who ends without waiting for it. NULL where memory or descriptors are short.
struct cs_worker *cs_worker_new(int32_t done, bool apart);
// `cs_worker_limit` + N * `cs_worker_stride` is of limit N; -1 for none. A status of `suspended` keeps everything from being read.
void cs_worker_set_file(struct cs_worker *worker, uint32_t file, int32_t fd);
int32_t cs_worker_start(struct cs_worker *worker);
// `wakes`: whether a device that sleeps is read as well.
void cs_worker_look(struct cs_worker *worker, bool wakes);
// Writes a line of at most 32 bytes, and looks.
void cs_worker_write(struct cs_worker *worker, uint32_t file, const uint8_t *line, uint32_t count);
bool cs_worker_is_busy(struct cs_worker *worker);
int32_t cs_worker_written(struct cs_worker *worker); // of the last write: 0 or a negative errno
// What was read: the number of bytes, at most 32, or a negative errno; ESHUTDOWN of a device that sleeps.
int32_t cs_worker_text(struct cs_worker *worker, uint32_t file, uint8_t *text);

#endif
