// System calls as text.
#ifndef CALLS_H
#define CALLS_H

#include <sys/types.h>

// By name or number; an unknown one ends this process.
int call_number(const char *name);
// Maps memory for texts and bytes into the process; `make_call` needs it.
void make_room(pid_t program);
// Makes the process do what `text` says at the system call that it has entered (`replace_call`).
long make_call(pid_t program, const char *text, const long given[]);

#endif
