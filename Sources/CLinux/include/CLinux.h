// The kernel and libc calls that Swift can't express (variadic functions, macros, unions), each a few lines, with plain
// types only. Every function that can fail returns a negative errno: Swift never reads `errno`. _GNU_SOURCE is defined in
// the .c file alone, because a header of a module map that defines it breaks the Glibc module.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Values of the running architecture; see open(2), epoll_ctl(2), signal(7).
extern const int32_t cl_o_rdonly, cl_o_rdwr, cl_o_wronly, cl_o_creat, cl_o_excl, cl_o_trunc, cl_o_directory, cl_o_nofollow,
    cl_o_nonblock, cl_o_path, cl_o_dsync;
extern const uint32_t cl_epollin, cl_epollout, cl_epollhup, cl_epollerr, cl_epollrdhup;
extern const int32_t cl_sigterm, cl_sigint, cl_sighup;

enum cl_file_kind { cl_kind_absent, cl_kind_socket, cl_kind_directory, cl_kind_regular, cl_kind_link, cl_kind_other };
struct cl_file_status { enum cl_file_kind kind; uint32_t mode, uid; };
// What tells one state of a file from another.
struct cl_file_version { uint64_t device, inode, size; int64_t modified_ns, changed_ns; };
struct cl_event { uint32_t events; uint64_t data; };
struct cl_credentials { uint32_t uid, gid; int32_t pid; };
struct cl_local_time { int32_t year, month, day, hour, minute, second, offset_s; };

// Arguments and environment. argc and argv are kept by a constructor: Embedded Swift has no CommandLine.
const char *cl_argument(int32_t index);
const char *cl_environment(const char *name);
const char *cl_environment_entry(int32_t index); // NAME=value; NULL behind the last one
int32_t cl_set_environment(const char *name, const char *value);
int32_t cl_terminal_columns(int32_t fd); // 0 where the terminal doesn't know
const char *cl_errno_name(int32_t number);
const char *cl_errno_description(int32_t number);

// Files.
int32_t cl_openat(int32_t directory, const char *path, int32_t flags, uint32_t mode);
int32_t cl_close(int32_t fd);
int64_t cl_read(int32_t fd, void *buffer, size_t count);
int64_t cl_write(int32_t fd, const void *buffer, size_t count);
int64_t cl_pread(int32_t fd, void *buffer, size_t count, int64_t offset);
int64_t cl_pwrite(int32_t fd, const void *buffer, size_t count, int64_t offset);
int32_t cl_fsync(int32_t fd);
// How many names a file has; 0 once it was removed.
int32_t cl_link_count(int32_t fd);
// Another descriptor of the same file or socket (fcntl(2), F_DUPFD_CLOEXEC).
int32_t cl_duplicate(int32_t fd);
int32_t cl_file_identity(int32_t fd, uint64_t *device, uint64_t *inode);
// Kind, permissions and owner (fstat(2)).
int32_t cl_status(int32_t fd, struct cl_file_status *out);
int32_t cl_file_version(int32_t fd, struct cl_file_version *out);
int32_t cl_rename(const char *from, const char *to);
int32_t cl_unlink(const char *path);
int32_t cl_mkdir(const char *path, uint32_t mode);
// Of the file that is open, also by O_PATH.
int32_t cl_chown(int32_t fd, uint32_t uid, uint32_t gid);
int32_t cl_chmod(const char *path, uint32_t mode);
int32_t cl_chown_link(const char *path, uint32_t uid, uint32_t gid);
int32_t cl_kind(int32_t directory, const char *path, enum cl_file_kind *kind);
// The bytes of a symbolic link, without a zero byte (readlinkat(2)).
int64_t cl_link_target(int32_t directory, const char *path, char *target, size_t capacity);
// flock(2), exclusive, without waiting.
int32_t cl_lock(int32_t fd);
// Whether the descriptor's file system is sysfs (statfs(2)).
bool cl_is_sysfs(int32_t fd);
uint32_t cl_umask(uint32_t mask);
// The next name of a directory into `name`: its length, 0 at the end. `stream` starts as NULL and is closed at the end.
int32_t cl_directory_next(int32_t fd, void **stream, char *name, size_t capacity);

// Watching a directory: names that come, go or are closed after writing, and the directory's own end (inotify(7)).
int32_t cl_inotify_open(void);
int32_t cl_inotify_watch_directory(int32_t fd, const char *path);
// Takes what has happened, without waiting: whether there was anything. `is_over` where the directory isn't watched any more.
int32_t cl_inotify_take(int32_t fd, bool *is_over);

// Sockets.
int32_t cl_unix_socket(bool datagram);
int32_t cl_unix_bind(int32_t fd, const char *path);
int32_t cl_unix_connect(int32_t fd, const char *path);
// A stream socket at an address of 4 bytes (IPv4) or 16 (IPv6; `::` is both kinds), to which nobody can connect yet.
int32_t cl_tcp_bind(const uint8_t *address, size_t count, uint16_t port);
int32_t cl_listen(int32_t fd, int32_t backlog);
int32_t cl_accept(int32_t fd);
int32_t cl_is_listening_unix_stream(int32_t fd);
// Peers can't pass descriptors (SCM_RIGHTS) to connections that a listening socket makes from now on.
int32_t cl_refuse_descriptors(int32_t fd);
// send(2) with MSG_NOSIGNAL: EPIPE is an errno, not a signal.
int64_t cl_send(int32_t fd, const void *buffer, size_t count);
// Ends a connection in both directions (shutdown(2)).
int32_t cl_shutdown(int32_t fd);
int32_t cl_set_nonblocking(int32_t fd);
int32_t cl_peer_credentials(int32_t fd, struct cl_credentials *out);
// The address of the other end of a TCP connection over IPv4, or the network of 64 bits of one over IPv6; -EAFNOSUPPORT of other sockets.
int32_t cl_peer_origin(int32_t fd, uint64_t *out);
// Whether one of the peer's supplementary groups is one of these (SO_PEERGROUPS): 1 or 0. A peer with more groups than this is
// answered with -ERANGE.
enum { cl_peer_groups = 4096 };
int32_t cl_peer_is_member(int32_t fd, const uint32_t *groups, size_t count);
int32_t cl_poll(int32_t fd, bool for_write, int32_t timeout_ms);
int32_t cl_uevent_socket(void);
int64_t cl_uevent_receive(int32_t fd, void *buffer, size_t count, bool *from_kernel);

// Events, signals, time.
int32_t cl_epoll_create(void);
int32_t cl_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t data);
// Watches a descriptor that may be watched already.
int32_t cl_epoll_set(int32_t epoll, int32_t fd, uint32_t events, uint64_t data);
int32_t cl_epoll_remove(int32_t epoll, int32_t fd);
int32_t cl_epoll_wait(int32_t epoll, struct cl_event *out, int32_t capacity, int32_t timeout_ms);
int32_t cl_signal_descriptor(void);
int32_t cl_next_signal(int32_t fd);
// Opens /dev/null for those of descriptors 0, 1 and 2 that are closed: otherwise the next file that is opened becomes one of them.
void cl_open_standard_streams(void);
// Gives a standard error that is a pipe or a terminal a description of its own that never blocks. O_NONBLOCK on the one that was
// passed would change it for everybody who shares it.
void cl_unblock_stderr(void);
void cl_ignore_sigpipe(void);
uint64_t cl_monotonic_ns(void);
uint64_t cl_boottime_ns(void);
void cl_wall_clock(int64_t *seconds, uint32_t *nanoseconds);
void cl_set_timezone(const char *name);
int32_t cl_local_time(int64_t seconds, struct cl_local_time *out);
int64_t cl_seconds_of_local(const struct cl_local_time *local);
void cl_sleep_ms(uint32_t milliseconds);

// Processes.
uint32_t cl_uid(void);
uint32_t cl_gid(void);
int32_t cl_pid(void);
uint64_t cl_raise_descriptor_limit(void);
int32_t cl_close_from(uint32_t first);
// Unmaps what the program and its libraries only read from memory; what runs comes back from the page cache (madvise(2),
// MADV_DONTNEED).
void cl_drop_program_text(void);
_Noreturn void cl_exit(int32_t status);

#endif
