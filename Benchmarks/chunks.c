// What CPU time is worth here: the null measurement of the loop's longest turn. Computes what takes a millisecond, sleeps two, and so on, and
// prints once a second how many µs of CPU time the longest of these took: a hypervisor's own time is in it, and interrupts are.
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t compute(uint64_t rounds) {
    volatile uint64_t sum = 0;
    uint64_t start = cpu_ns();
    for (uint64_t i = 0; i < rounds; i++) sum += i;
    return cpu_ns() - start;
}

int main(void) {
    enum { CHUNK_NS = 1000000, A_SECOND = 333 };
    const struct timespec rest = {.tv_nsec = 2000000};
    // The quickest of several is what the work takes.
    uint64_t quickest = UINT64_MAX, rounds = 100000;
    for (int i = 0; i < 100; i++) {
        uint64_t taken = compute(rounds);
        if (taken < quickest) quickest = taken;
    }
    rounds = rounds * CHUNK_NS / quickest;
    for (;;) {
        uint64_t longest = 0;
        for (int i = 0; i < A_SECOND; i++) {
            uint64_t taken = compute(rounds);
            if (taken > longest) longest = taken;
            nanosleep(&rest, NULL);
        }
        printf("%llu\n", (unsigned long long)(longest / 1000));
        fflush(stdout);
    }
}
