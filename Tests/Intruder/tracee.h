// One traced process, by ptrace(2). What goes wrong ends this process with status 2, and so does the tracee's own end, with
// status 1 and a report where it was killed.
#ifndef TRACEE_H
#define TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Attaches to a process that waits. With `for_good` it, and whatever it starts, dies with this one.
void attach(pid_t program, bool for_good);
void let_go(pid_t program);
// Goes on to the next system call that it enters: false when it has ended instead.
bool next_call(pid_t program);
long entered_call(void);
unsigned long entered_argument(unsigned index);
// Lets the entered call run, or replaces it by nothing at all, and makes it give `result`.
void finish_call(pid_t program, bool skip, long result);
// Makes the process call this instead of what it has entered, and returns what the call gave.
long replace_call(pid_t program, long number, const unsigned long argument[6]);
// Then makes it enter again what it had entered, unless it executes another program by now. A system call filter that kills
// does so only here.
void enter_again(pid_t program);
void peek(pid_t program, unsigned long address, void *bytes, size_t count);
void poke(pid_t program, unsigned long address, const void *bytes, size_t count);

#endif
