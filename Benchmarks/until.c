// Times a program from just before its fork until a file changes, or until it exits. The time of fork and exec is in it.
//
//     until change CPU FILE PROGRAM ARGUMENT...
//     until exit CPU - PROGRAM ARGUMENT...
//
// Looks at the file from CPU, which must not be the program's own, every 50 µs: an inotify watch would not see what the kernel
// does to a sysfs file, and without a pause whatever else runs would be driven to the program's CPU. Prints nanoseconds. A
// program that is still running then is told to end (SIGTERM) and waited for.
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint64_t patience_ns = 20000000000u;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc < 5) errx(2, "usage: until change|exit CPU FILE PROGRAM ARGUMENT...");
    int until_exit = strcmp(argv[1], "exit") == 0;
    char before[32] = "", now[32] = "";
    int file = -1;
    if (!until_exit && ((file = open(argv[3], O_RDONLY | O_CLOEXEC)) < 0 || pread(file, before, sizeof before - 1, 0) <= 0))
        err(1, "%s", argv[3]);

    cpu_set_t inherited, own;
    sched_getaffinity(0, sizeof inherited, &inherited);
    CPU_ZERO(&own);
    CPU_SET(atoi(argv[2]), &own);
    sched_setaffinity(0, sizeof own, &own);

    prctl(PR_SET_TIMERSLACK, 1); // or each pause takes twice as long
    uint64_t start = now_ns(), end;
    pid_t child = fork();
    if (child < 0) err(1, "fork");
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO); // the output is the time and nothing else
        sched_setaffinity(0, sizeof inherited, &inherited);
        prctl(PR_SET_TIMERSLACK, 0); // the default again
        execv(argv[4], argv + 4);
        err(127, "%s", argv[4]);
    }
    const struct timespec pause = {.tv_nsec = 50000};
    int status, gone = 0;
    do {
        if (!until_exit) nanosleep(&pause, NULL);
        gone = waitpid(child, &status, until_exit ? 0 : WNOHANG) == child;
        if (!until_exit && pread(file, now, sizeof now - 1, 0) <= 0) err(1, "%s", argv[3]);
        end = now_ns();
    } while (!gone && strcmp(before, now) == 0 && end - start < patience_ns);
    if (!gone) {
        kill(child, SIGTERM);
        waitpid(child, &status, 0);
    }
    if (!until_exit && strcmp(before, now) == 0) errx(1, "%s didn't change %s", argv[4], argv[3]);
    if (until_exit && status != 0) errx(1, "%s ended with status %d", argv[4], status);
    printf("%llu\n", (unsigned long long)(end - start));
}
