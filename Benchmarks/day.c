// Lets a program live through 24 hours in a minute and a half, to be loaded before it (LD_PRELOAD). Its clocks go a thousand times as fast
// and its waits end as much sooner, until the day is over; from then on time goes as it does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

enum { FACTOR = 1000 };
static const int64_t day_ns = 86400000000000, second_ns = 1000000000;

static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_wait)(int, struct epoll_event *, int, int);
static int64_t start_ns;

static int64_t now_ns(void) {
    struct timespec now;
    real_clock(CLOCK_MONOTONIC, &now);
    return now.tv_sec * second_ns + now.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
    *(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&real_wait = dlsym(RTLD_NEXT, "epoll_wait");
    start_ns = now_ns();
}

// How much further than others it is.
static int64_t ahead_ns(void) {
    int64_t ahead = (now_ns() - start_ns) * (FACTOR - 1);
    return ahead < day_ns ? ahead : day_ns;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    int outcome = real_clock(clock, out);
    if (outcome < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) return outcome;
    int64_t time_ns = out->tv_nsec + ahead_ns();
    out->tv_sec += time_ns / second_ns;
    out->tv_nsec = time_ns % second_ns;
    return 0;
}

int epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
    if (milliseconds > 0 && ahead_ns() < day_ns) milliseconds = (milliseconds + FACTOR - 1) / FACTOR;
    return real_wait(epoll, events, capacity, milliseconds);
}
