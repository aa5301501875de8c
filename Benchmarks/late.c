// How late a process wakes that has nothing else to do: the null measurement of renewals. Sleeps until times that are MICROSECONDS apart, and
// prints by how many it overslept, a line each.
//
//     late MICROSECONDS
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    int64_t interval_ns = argc == 2 ? atoll(argv[1]) * 1000 : 0;
    if (interval_ns <= 0) return 2;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (int64_t due_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;;) {
        due_ns += interval_ns;
        const struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {}
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("%lld\n", (long long)((now.tv_sec * INT64_C(1000000000) + now.tv_nsec - due_ns) / 1000));
        fflush(stdout);
    }
}
