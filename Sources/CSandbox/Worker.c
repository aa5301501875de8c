// A thread that reads and writes the files of one zone, whose driver may let its caller wait. It makes the calls of the filter's list and
// no other, and allocates nothing: what it is asked, and what came of it, lies above its stack, as long as the process exists.
//
// Who only looks or writes once and ends (--list, --boot) has a process in its place, over the same memory: the kernel ends a process
// when its last thread comes back from the driver, and no shell waits for another's child.
//
// It is the kernel's thread and not the C library's: pthread_create would bring a tenth of the program, with a resolver. So it has no
// storage of its own (errno, malloc), and calls nothing that might want some.
#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    file_count = cs_worker_limit + cs_worker_stride * cs_worker_limits,
    text_bytes = 32,
    stack_bytes = 16 * 1024,
    guard_bytes = 64 * 1024
};
struct cs_worker {
    int32_t asked, done;
    // Whose process it is where it is one of its own; 0 for a thread.
    int32_t owner;
    // By cs_worker_file; -1 where the zone has none.
    int32_t files[file_count];
    // What is written before anything is read: to which file, and what; -1 for nothing.
    int32_t target;
    // Reads a device that sleeps too, which wakes it.
    bool wakes;
    char line[text_bytes];
    uint32_t line_bytes;
    int32_t written;
    // What was read: a number of bytes, or a negative errno.
    int32_t counts[file_count];
    char texts[file_count][text_bytes];
    // Set by who asks, and taken back by the thread when everything above is its answer.
    atomic_bool busy;
};

// A system call whose result is the kernel's own: a negative errno.
static long kernel(long number, long a, long b, long c, long d) {
#if defined __x86_64__
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
    return result;
#elif defined __aarch64__
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#else
#error "this architecture's way to make a system call is missing"
#endif
}

struct cs_worker *cs_worker_new(int32_t done, bool apart) {
    // Below the stack is a gap, so that it can't grow into something else.
    const int kind = (apart ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS;
    char *memory = mmap(NULL, guard_bytes + stack_bytes, PROT_NONE, kind, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    if (mprotect(memory + guard_bytes, stack_bytes, PROT_READ | PROT_WRITE) < 0) return NULL;
    struct cs_worker *worker = (struct cs_worker *)(memory + guard_bytes + stack_bytes) - 1;
    worker->done = done;
    worker->owner = apart ? getpid() : 0;
    for (int i = 0; i < file_count; i++) worker->files[i] = -1;
    worker->asked = eventfd(0, EFD_CLOEXEC);
    return worker->asked < 0 ? NULL : worker;
}
int32_t cs_worker_events(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}
void cs_worker_set_file(struct cs_worker *worker, uint32_t file, int32_t fd) { worker->files[file] = fd; }

static void look(struct cs_worker *worker, int file) {
    worker->counts[file] =
        worker->files[file] < 0
            ? -ENOENT
            : (int32_t)kernel(SYS_pread64, worker->files[file], (long)worker->texts[file], text_bytes, 0);
}
static bool begins(const char *text, const char *with) {
    while (*with)
        if (*text++ != *with++) return false;
    return true;
}
static bool sleeps(struct cs_worker *worker) {
    look(worker, cs_worker_status);
    const char *text = worker->texts[cs_worker_status];
    return worker->counts[cs_worker_status] > 7 && (begins(text, "suspend") || begins(text, "resum"));
}
static void carry_out(struct cs_worker *worker) {
    if (worker->target >= 0) {
        long count = kernel(SYS_pwrite64, worker->files[worker->target], (long)worker->line, worker->line_bytes, 0);
        worker->written = count < 0 ? (int32_t)count : count == (long)worker->line_bytes ? 0 : -EIO;
    }
    // Who writes to a device has woken it; who only looks leaves it asleep.
    bool left = worker->target < 0 && !worker->wakes && sleeps(worker);
    for (int file = cs_worker_reading; file < file_count; file++) {
        if (left) worker->counts[file] = -ESHUTDOWN;
        else look(worker, file);
    }
}
// A process of its own goes with the one that it works for, and keeps nothing open that others wait for: locks, and the end of a pipe.
static void leave_all_else(struct cs_worker *worker) {
    kernel(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
    if (kernel(SYS_getppid, 0, 0, 0, 0) != worker->owner) kernel(SYS_exit_group, 0, 0, 0, 0);
    unsigned first = 0;
    for (unsigned next; first != ~0u; first = next) {
        // The least that is needed, from `first` on.
        next = ~0u;
        const int32_t own[] = {worker->asked, worker->done};
        for (int i = 0; i < file_count + 2; i++) {
            unsigned fd = (unsigned)(i < 2 ? own[i] : worker->files[i - 2]);
            if (fd >= first && fd < next) next = fd;
        }
        if (next > first) kernel(SYS_close_range, first, next == ~0u ? ~0u : next - 1, 0, 0);
        if (next != ~0u) next++;
    }
}
static int run(void *argument) {
    struct cs_worker *worker = argument;
    if (worker->owner) leave_all_else(worker);
    for (;;) {
        uint64_t count;
        if (kernel(SYS_read, worker->asked, (long)&count, sizeof count, 0) != sizeof count) continue;
        carry_out(worker);
        atomic_store(&worker->busy, false);
        count = 1;
        kernel(SYS_write, worker->done, (long)&count, sizeof count, 0);
    }
}
static void ask(struct cs_worker *worker) {
    uint64_t one = 1;
    atomic_store(&worker->busy, true);
    if (write(worker->asked, &one, sizeof one) < 0) atomic_store(&worker->busy, false);
}
int32_t cs_worker_start(struct cs_worker *worker) {
    const int shared = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    void *stack = (void *)((uintptr_t)worker & ~(uintptr_t)63);
    return clone(run, stack, worker->owner ? SIGCHLD : shared, worker) < 0 ? -errno : 0;
}
void cs_worker_look(struct cs_worker *worker, bool wakes) {
    worker->target = -1;
    worker->wakes = wakes;
    ask(worker);
}
void cs_worker_write(struct cs_worker *worker, uint32_t file, const uint8_t *line, uint32_t count) {
    worker->target = (int32_t)file;
    worker->line_bytes = count;
    memcpy(worker->line, line, count);
    ask(worker);
}
bool cs_worker_is_busy(struct cs_worker *worker) { return atomic_load(&worker->busy); }
int32_t cs_worker_written(struct cs_worker *worker) { return worker->written; }
int32_t cs_worker_text(struct cs_worker *worker, uint32_t file, uint8_t *text) {
    if (worker->counts[file] > 0) memcpy(text, worker->texts[file], (size_t)worker->counts[file]);
    return worker->counts[file];
}
