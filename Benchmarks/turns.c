// A stopwatch for a loop that waits in epoll_wait(2), to be loaded before the program (LD_PRELOAD): how long each turn takes from waking up to
// going to sleep, of the first epoll that the program waits on. Other threads' and libraries' own waits aren't the loop's.
//
// The file of POWERCAP_TURNS is a table of 64-bit numbers: the turns, those of more CPU time than POWERCAP_LONG_NS, the longest one's CPU time,
// and how long the longest one took, in ns. Who reads it may set it to 0. The CPU time is what the program takes, with what a hypervisor
// takes of it; the rest is what others took meanwhile.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_wait)(int, struct epoll_event *, int, int);
static volatile uint64_t *table;
static uint64_t long_ns;
static int loop = -1;

__attribute__((constructor)) static void begin(void) {
    *(void **)&real_wait = dlsym(RTLD_NEXT, "epoll_wait");
    long_ns = strtoull(getenv("POWERCAP_LONG_NS"), NULL, 10);
    int file = open(getenv("POWERCAP_TURNS"), O_RDWR | O_CLOEXEC);
    void *memory = mmap(NULL, 4 * sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) _exit(127);
    table = memory;
    close(file);
}

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
    static uint64_t woken_ns, woken_cpu_ns;
    if (loop < 0) loop = epoll;
    if (epoll != loop) return real_wait(epoll, events, capacity, milliseconds);
    if (woken_ns > 0) {
        uint64_t taken = clock_ns(CLOCK_MONOTONIC) - woken_ns, cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - woken_cpu_ns;
        table[0]++;
        table[1] += cpu > long_ns;
        if (cpu > table[2]) table[2] = cpu;
        if (taken > table[3]) table[3] = taken;
    }
    int count = real_wait(epoll, events, capacity, milliseconds);
    woken_ns = clock_ns(CLOCK_MONOTONIC);
    woken_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    return count;
}
