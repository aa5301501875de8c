#define _GNU_SOURCE
#include "CLinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const int32_t cl_o_rdonly = O_RDONLY, cl_o_rdwr = O_RDWR, cl_o_wronly = O_WRONLY, cl_o_creat = O_CREAT, cl_o_excl = O_EXCL,
              cl_o_trunc = O_TRUNC, cl_o_directory = O_DIRECTORY, cl_o_nofollow = O_NOFOLLOW, cl_o_nonblock = O_NONBLOCK,
              cl_o_path = O_PATH, cl_o_dsync = O_DSYNC;
const uint32_t cl_epollin = EPOLLIN, cl_epollout = EPOLLOUT, cl_epollhup = EPOLLHUP, cl_epollerr = EPOLLERR,
               cl_epollrdhup = EPOLLRDHUP;
const int32_t cl_sigterm = SIGTERM, cl_sigint = SIGINT, cl_sighup = SIGHUP;

// One place turns libc's -1 into a negative errno.
static int64_t outcome(int64_t result) { return result < 0 ? -errno : result; }

// glibc passes argc, argv and envp to every constructor, also in static programs (csu/libc-start.c).
static int saved_argc;
static char **saved_argv;
__attribute__((constructor)) static void save_arguments(int argc, char **argv, char **envp) {
    (void)envp;
    saved_argc = argc;
    saved_argv = argv;
}
const char *cl_argument(int32_t index) { return index >= 0 && index < saved_argc ? saved_argv[index] : NULL; }
const char *cl_environment(const char *name) { return getenv(name); }
const char *cl_environment_entry(int32_t index) { return environ ? environ[index] : NULL; }
int32_t cl_set_environment(const char *name, const char *value) { return setenv(name, value, 1) ? -errno : 0; }
int32_t cl_terminal_columns(int32_t fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) ? -errno : size.ws_col;
}
const char *cl_errno_name(int32_t number) {
    const char *name = strerrorname_np(number);
    return name ? name : "unknown";
}
const char *cl_errno_description(int32_t number) {
    const char *text = strerrordesc_np(number);
    return text ? text : "unknown error";
}

int32_t cl_openat(int32_t directory, const char *path, int32_t flags, uint32_t mode) {
    return (int32_t)outcome(openat(directory < 0 ? AT_FDCWD : directory, path, flags | O_CLOEXEC, mode));
}
int32_t cl_close(int32_t fd) { return (int32_t)outcome(close(fd)); }
int64_t cl_read(int32_t fd, void *buffer, size_t count) { return outcome(read(fd, buffer, count)); }
int64_t cl_write(int32_t fd, const void *buffer, size_t count) { return outcome(write(fd, buffer, count)); }
int64_t cl_pread(int32_t fd, void *buffer, size_t count, int64_t offset) { return outcome(pread(fd, buffer, count, offset)); }
int64_t cl_pwrite(int32_t fd, const void *buffer, size_t count, int64_t offset) {
    return outcome(pwrite(fd, buffer, count, offset));
}
int32_t cl_fsync(int32_t fd) { return (int32_t)outcome(fsync(fd)); }
// Not the C library's fstat, which may be a call that takes a path (newfstatat), and isn't one that the helper should keep.
int32_t cl_link_count(int32_t fd) {
    struct stat status;
    long result = outcome(syscall(SYS_fstat, fd, &status));
    return (int32_t)(result < 0 ? result : (long)status.st_nlink);
}
int32_t cl_duplicate(int32_t fd) { return (int32_t)outcome(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }
int32_t cl_file_identity(int32_t fd, uint64_t *device, uint64_t *inode) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    *device = status.st_dev;
    *inode = status.st_ino;
    return 0;
}
static int64_t nanoseconds(struct timespec time) { return time.tv_sec * INT64_C(1000000000) + time.tv_nsec; }
int32_t cl_file_version(int32_t fd, struct cl_file_version *out) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    *out = (struct cl_file_version){status.st_dev, status.st_ino, (uint64_t)status.st_size, nanoseconds(status.st_mtim),
                                    nanoseconds(status.st_ctim)};
    return 0;
}
static enum cl_file_kind kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFSOCK: return cl_kind_socket;
    case S_IFDIR: return cl_kind_directory;
    case S_IFREG: return cl_kind_regular;
    case S_IFLNK: return cl_kind_link;
    default: return cl_kind_other;
    }
}
int32_t cl_status(int32_t fd, struct cl_file_status *out) {
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    *out = (struct cl_file_status){.kind = kind_of(status.st_mode), .mode = status.st_mode & 07777, .uid = status.st_uid};
    return 0;
}
int32_t cl_rename(const char *from, const char *to) { return (int32_t)outcome(rename(from, to)); }
int32_t cl_unlink(const char *path) { return (int32_t)outcome(unlink(path)); }
int32_t cl_mkdir(const char *path, uint32_t mode) { return (int32_t)outcome(mkdir(path, mode)); }
int32_t cl_chown(int32_t fd, uint32_t uid, uint32_t gid) { return (int32_t)outcome(fchownat(fd, "", uid, gid, AT_EMPTY_PATH)); }
int32_t cl_chmod(const char *path, uint32_t mode) { return (int32_t)outcome(chmod(path, mode)); }
int32_t cl_chown_link(const char *path, uint32_t uid, uint32_t gid) { return (int32_t)outcome(lchown(path, uid, gid)); }
int64_t cl_link_target(int32_t directory, const char *path, char *target, size_t capacity) {
    return outcome(readlinkat(directory, path, target, capacity));
}
int32_t cl_kind(int32_t directory, const char *path, enum cl_file_kind *kind) {
    struct stat status;
    if (fstatat(directory < 0 ? AT_FDCWD : directory, path, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        *kind = cl_kind_absent;
        return errno == ENOENT ? 0 : -errno;
    }
    *kind = kind_of(status.st_mode);
    return 0;
}
int32_t cl_lock(int32_t fd) { return (int32_t)outcome(flock(fd, LOCK_EX | LOCK_NB)); }
bool cl_is_sysfs(int32_t fd) {
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == SYSFS_MAGIC;
}
uint32_t cl_umask(uint32_t mask) { return umask(mask); }
int32_t cl_directory_next(int32_t fd, void **stream, char *name, size_t capacity) {
    if (!*stream) {
        // fdopendir takes the descriptor over: give it one of its own, so that the caller's stays the caller's.
        int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (own < 0) return -errno;
        *stream = fdopendir(own);
        if (!*stream) {
            int why = errno;
            close(own);
            return -why;
        }
    }
    errno = 0;
    struct dirent *entry;
    do entry = readdir(*stream);
    while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
    if (entry) {
        size_t length = strlen(entry->d_name);
        if (length < capacity) {
            memcpy(name, entry->d_name, length + 1);
            return (int32_t)length;
        }
        errno = ENAMETOOLONG;
    }
    int why = errno;
    closedir(*stream);
    *stream = NULL;
    return -why;
}

int32_t cl_unix_socket(bool datagram) {
    return (int32_t)outcome(socket(AF_UNIX, (datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0));
}
// A path that starts with '@' is an abstract address (unix(7)), as systemd writes them in NOTIFY_SOCKET.
static int unix_address(const char *path, struct sockaddr_un *address, socklen_t *length) {
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, size);
    *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
    if (path[0] == '@') {
        address->sun_path[0] = 0;
        *length -= 1;
    }
    return 0;
}
int32_t cl_unix_bind(int32_t fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    int bad = unix_address(path, &address, &length);
    return bad ? bad : (int32_t)outcome(bind(fd, (struct sockaddr *)&address, length));
}
int32_t cl_unix_connect(int32_t fd, const char *path) {
    struct sockaddr_un address;
    socklen_t length;
    int bad = unix_address(path, &address, &length);
    return bad ? bad : (int32_t)outcome(connect(fd, (struct sockaddr *)&address, length));
}
int32_t cl_tcp_bind(const uint8_t *address, size_t count, uint16_t port) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_six = count == sizeof six.sin6_addr;
    if (!is_six && count != sizeof four.sin_addr) return -EINVAL;
    memcpy(is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr, address, count);
    int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int yes = 1, no = 0;
    // Connections of a server that has ended keep the port for a minute otherwise (tcp(7), TIME_WAIT). No listening socket's is taken.
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    // Whatever net.ipv6.bindv6only says.
    if (is_six) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if ((is_six ? bind(fd, (struct sockaddr *)&six, sizeof six) : bind(fd, (struct sockaddr *)&four, sizeof four)) < 0) {
        int why = errno;
        close(fd);
        return -why;
    }
    return fd;
}
int32_t cl_listen(int32_t fd, int32_t backlog) { return (int32_t)outcome(listen(fd, backlog)); }
int32_t cl_accept(int32_t fd) { return (int32_t)outcome(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)); }
// Linux 6.16; a header of Debian 12 doesn't know it. The number is that of the architectures with the generic socket options.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
int32_t cl_refuse_descriptors(int32_t fd) {
    int no = 0;
    return (int32_t)outcome(setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no));
}
int32_t cl_is_listening_unix_stream(int32_t fd) {
    int domain = 0, type = 0, listening = 0;
    socklen_t length = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0) return -errno;
    return domain == AF_UNIX && type == SOCK_STREAM && listening;
}
int64_t cl_send(int32_t fd, const void *buffer, size_t count) { return outcome(send(fd, buffer, count, MSG_NOSIGNAL)); }
int32_t cl_shutdown(int32_t fd) { return (int32_t)outcome(shutdown(fd, SHUT_RDWR)); }
int32_t cl_set_nonblocking(int32_t fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : (int32_t)outcome(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}
int32_t cl_peer_credentials(int32_t fd, struct cl_credentials *out) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
    *out = (struct cl_credentials){.uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
    return 0;
}
int32_t cl_peer_origin(int32_t fd, uint64_t *out) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) < 0) return -errno;
    if (peer.ss_family == AF_INET) {
        *out = ntohl(((struct sockaddr_in *)&peer)->sin_addr.s_addr);
        return 0;
    }
    if (peer.ss_family != AF_INET6) return -EAFNOSUPPORT;
    const struct in6_addr *address = &((struct sockaddr_in6 *)&peer)->sin6_addr;
    // As IPv4 comes to a socket for both.
    size_t first = IN6_IS_ADDR_V4MAPPED(address) ? 12 : 0, end = IN6_IS_ADDR_V4MAPPED(address) ? 16 : 8;
    *out = 0;
    for (size_t index = first; index < end; index++) *out = *out << 8 | address->s6_addr[index];
    return 0;
}
// Linux 4.13. The number is that of the architectures with the generic socket options.
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
int32_t cl_peer_is_member(int32_t fd, const uint32_t *groups, size_t count) {
    gid_t peer[cl_peer_groups];
    socklen_t length = sizeof peer;
    // With more groups the kernel gives none of them, and ERANGE.
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer, &length) < 0) return -errno;
    for (size_t i = 0; i < length / sizeof *peer; i++)
        for (size_t j = 0; j < count; j++)
            if (peer[i] == groups[j]) return 1;
    return 0;
}
int32_t cl_poll(int32_t fd, bool for_write, int32_t timeout_ms) {
    struct pollfd one = {.fd = fd, .events = for_write ? POLLOUT : POLLIN};
    return (int32_t)outcome(poll(&one, 1, timeout_ms));
}
// Group 1 of NETLINK_KOBJECT_UEVENT carries the kernel's own messages (lib/kobject_uevent.c); udev repeats them on group 2.
int32_t cl_uevent_socket(void) {
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0) return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int why = errno;
        close(fd);
        return -why;
    }
    return fd;
}
int64_t cl_uevent_receive(int32_t fd, void *buffer, size_t count, bool *from_kernel) {
    struct sockaddr_nl sender;
    memset(&sender, 0, sizeof sender);
    socklen_t length = sizeof sender;
    int64_t got = outcome(recvfrom(fd, buffer, count, 0, (struct sockaddr *)&sender, &length));
    // Only the kernel has no address of its own, and it sends to the group; whoever may administrate a network can send to either.
    *from_kernel = got >= 0 && length == sizeof sender && sender.nl_pid == 0 && sender.nl_groups == 1;
    return got;
}

int32_t cl_inotify_open(void) { return (int32_t)outcome(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }
int32_t cl_inotify_watch_directory(int32_t fd, const char *path) {
    return (int32_t)outcome(inotify_add_watch(
        fd, path, IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR));
}
int32_t cl_inotify_take(int32_t fd, bool *is_over) {
    _Alignas(struct inotify_event) char buffer[4096];
    long count = outcome(read(fd, buffer, sizeof buffer));
    if (count < 0) return count == -EAGAIN ? 0 : (int32_t)count;
    for (long at = 0; at < count;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        if (event->mask & (IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) *is_over = true;
        at += (long)sizeof *event + event->len;
    }
    return 1;
}
int32_t cl_epoll_create(void) { return (int32_t)outcome(epoll_create1(EPOLL_CLOEXEC)); }
int32_t cl_epoll_add(int32_t epoll, int32_t fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return (int32_t)outcome(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}
int32_t cl_epoll_set(int32_t epoll, int32_t fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    int result = epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
    return result < 0 && errno == ENOENT ? cl_epoll_add(epoll, fd, events, data) : (int32_t)outcome(result);
}
int32_t cl_epoll_remove(int32_t epoll, int32_t fd) { return (int32_t)outcome(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)); }
int32_t cl_epoll_wait(int32_t epoll, struct cl_event *out, int32_t capacity, int32_t timeout_ms) {
    struct epoll_event events[16];
    if (capacity > 16) capacity = 16;
    int count = epoll_wait(epoll, events, capacity, timeout_ms);
    for (int i = 0; i < count; i++) out[i] = (struct cl_event){.events = events[i].events, .data = events[i].data.u64};
    return (int32_t)outcome(count);
}
int32_t cl_signal_descriptor(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0) return -errno;
    return (int32_t)outcome(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
int32_t cl_next_signal(int32_t fd) {
    struct signalfd_siginfo info;
    int64_t got = outcome(read(fd, &info, sizeof info));
    return got < 0 ? (int32_t)got : (int32_t)info.ssi_signo;
}
void cl_open_standard_streams(void) {
    // What is opened gets the lowest free number, and those below it are open already.
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) _exit(1);
}
void cl_unblock_stderr(void) {
    struct stat status;
    // Which kind of device it is would take an ioctl, which the unit's filter doesn't have; the others don't mind either.
    if (fstat(2, &status) < 0 || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) return;
    int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0) return;
    dup2(own, 2);
    close(own);
}
void cl_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
uint64_t cl_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cl_boottime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
void cl_wall_clock(int64_t *seconds, uint32_t *nanoseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *seconds = now.tv_sec;
    *nanoseconds = (uint32_t)now.tv_nsec;
}
void cl_set_timezone(const char *name) {
    setenv("TZ", name, 1);
    tzset();
}
int32_t cl_local_time(int64_t seconds, struct cl_local_time *out) {
    time_t when = seconds;
    struct tm tm;
    if (!localtime_r(&when, &tm)) return -errno;
    *out = (struct cl_local_time){.year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday, .hour = tm.tm_hour,
                                  .minute = tm.tm_min, .second = tm.tm_sec, .offset_s = (int32_t)tm.tm_gmtoff};
    return 0;
}
int64_t cl_seconds_of_local(const struct cl_local_time *local) {
    // tm_isdst -1: the C library decides whether summer time is in force (mktime(3)).
    struct tm tm = {.tm_year = local->year - 1900, .tm_mon = local->month - 1, .tm_mday = local->day, .tm_hour = local->hour,
                    .tm_min = local->minute, .tm_sec = local->second, .tm_isdst = -1};
    return mktime(&tm);
}
void cl_sleep_ms(uint32_t milliseconds) {
    struct timespec rest = {.tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR) {}
}

uint32_t cl_uid(void) { return geteuid(); }
uint32_t cl_gid(void) { return getegid(); }
int32_t cl_pid(void) { return getpid(); }
uint64_t cl_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}
int32_t cl_close_from(uint32_t first) { return (int32_t)outcome(close_range(first, ~0u, 0)); }
static int drop_read_only_segments(struct dl_phdr_info *object, size_t size, void *data) {
    (void)size;
    (void)data;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}
void cl_drop_program_text(void) { dl_iterate_phdr(drop_read_only_segments, NULL); }
void cl_exit(int32_t status) { _exit(status); }
