// A kernel with an older Landlock.
#ifndef OLD_LANDLOCK_H
#define OLD_LANDLOCK_H

#include <sys/types.h>

// The version that the kernel claims (0: its own), and that whose rights it knows.
struct landlock_of_old { int claimed, known; };

struct landlock_of_old landlock_parse(const char *text);
// Answers the landlock_create_ruleset that the process has entered as that kernel does.
void landlock_answer(pid_t program, const struct landlock_of_old *old);

#endif
