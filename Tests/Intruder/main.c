// Runs a program as if its kernel lacked something, and makes it do, from inside, what nobody wrote into it: the shipped
// helper's sandbox is tested on the shipped helper.
//
//   Intruder [--without CALL]... [--pretend CALL[,FIRST]]... [--landlock CLAIMED[,KNOWN]] [--prepare CALL]... [--attempt CALL] -- PROGRAM ARGUMENT...
//
// --without   the kernel answers ENOSYS to this system call
// --pretend   the kernel says that this system call was done, and doesn't do it; FIRST: only with this first argument
// --landlock  the kernel claims this version of Landlock and knows the rights of that one
// --prepare   made by the program just before it gives up its privileges (at its epoll_create1)
// --attempt   made by it once it serves (at its first wait for events). On standard output comes what it gave: `result N`,
//             a negative errno or not, or `killed SIGNAL`; then the program is killed
//
// CALL is one argument: the system call's name or number and its arguments: a number, @N (what the Nth --prepare gave), =TEXT
// or #HEX (the address of that text or of those bytes).
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "landlock.h"
#include "tracee.h"

static struct {
    int without[8];
    unsigned without_count;
    struct { int number; long first; } pretend[8]; // first is -1 for any
    unsigned pretend_count;
    const char *prepare[4];
    unsigned prepare_count;
    const char *attempt;
    struct landlock_of_old landlock;
} options;

static void usage(const char *what) {
    fprintf(stderr, "Intruder: %s: see the head of Tests/Intruder/main.c\n", what);
    exit(2);
}

static char **parse(char **argument) {
    for (; *argument && strcmp(*argument, "--"); argument += 2) {
        const char *value = argument[1];
        if (!value) usage(*argument);
        if (!strcmp(*argument, "--without") && options.without_count < 8)
            options.without[options.without_count++] = call_number(value);
        else if (!strcmp(*argument, "--pretend") && options.pretend_count < 8) {
            char *name = strdup(value), *first = strchr(name, ',');
            if (first) *first++ = 0;
            options.pretend[options.pretend_count].first = first ? strtol(first, NULL, 0) : -1;
            options.pretend[options.pretend_count++].number = call_number(name);
            free(name);
        } else if (!strcmp(*argument, "--landlock"))
            options.landlock = landlock_parse(value);
        else if (!strcmp(*argument, "--prepare") && options.prepare_count < 4)
            options.prepare[options.prepare_count++] = value;
        else if (!strcmp(*argument, "--attempt") && !options.attempt)
            options.attempt = value;
        else
            usage(*argument);
    }
    if (!*argument || !argument[1]) usage("no program");
    return argument + 1;
}

// A filter of this process, which its program inherits. Only for natively numbered calls: nothing is kept from anybody here.
static void hide_calls(void) {
    struct sock_filter program[(2 + 5) * 8 + 2];
    unsigned short length = 0;
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < options.without_count; i++) {
        program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)options.without[i], 0, 1);
        program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    for (unsigned i = 0; i < options.pretend_count; i++) {
        bool any = options.pretend[i].first < 0;
        program[length++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)options.pretend[i].number, 0, any ? 1 : 4);
        if (!any) {
            program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]));
            program[length++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)options.pretend[i].first, 0, 1);
        }
        // An errno of 0 is success.
        program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO);
        if (!any)
            program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    }
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = length, .filter = program};
    // Without CAP_SYS_ADMIN a filter takes no_new_privs.
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) return;
    perror("Intruder: seccomp");
    exit(2);
}

// The tracer is a grandchild, so that the program keeps the process number that the caller knows. It works until it has
// nothing left to do, and lets go.
static void trace(pid_t program) {
    long given[4];
    while (next_call(program)) {
        long number = entered_call();
        if (number == SYS_epoll_create1) {
            make_room(program);
            for (unsigned i = 0; i < options.prepare_count; i++) {
                given[i] = make_call(program, options.prepare[i], given);
                enter_again(program);
            }
            options.prepare_count = 0;
        } else if (number == SYS_landlock_create_ruleset && options.landlock.claimed > 0) {
            landlock_answer(program, &options.landlock);
        } else if (number == SYS_epoll_pwait
#ifdef SYS_epoll_wait
                   || number == SYS_epoll_wait
#endif
        ) {
            if (options.attempt) {
                long result = make_call(program, options.attempt, given);
                enter_again(program);
                printf("result %ld\n", result);
                exit(0);
            }
            let_go(program);
            exit(0);
        }
    }
    exit(1);
}

static void start_tracer(void) {
    pid_t program = getpid();
    int attached[2];
    if (pipe(attached) < 0) exit(2);
    pid_t child = fork();
    if (child == 0) {
        if (fork() != 0) _exit(0);
        attach(program, options.attempt != NULL);
        close(attached[0]);
        close(attached[1]);
        trace(program);
    }
    waitpid(child, NULL, 0);
    close(attached[1]);
    char end;
    while (read(attached[0], &end, 1) < 0 && errno == EINTR) {}
    close(attached[0]);
}

int main(int argc, char **argv) {
    (void)argc;
    char **program = parse(argv + 1);
    setvbuf(stdout, NULL, _IONBF, 0);
    if (options.landlock.claimed || options.prepare_count || options.attempt) start_tracer();
    if (options.without_count + options.pretend_count) hide_calls();
    execvp(program[0], program);
    perror(program[0]);
    return 127;
}
