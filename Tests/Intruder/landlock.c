#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracee.h"

struct landlock_of_old landlock_parse(const char *text) {
    struct landlock_of_old old = {0, 0};
    if (sscanf(text, "%d,%d", &old.claimed, &old.known) == 1) old.known = old.claimed;
    return old;
}

// What each version knows of handled_access_fs, handled_access_net and scoped (include/uapi/linux/landlock.h, and
// Documentation/userspace-api/landlock.rst on what came when).
static const struct { uint64_t known[3]; } versions[] = {
    {{0, 0, 0}},      {{0x1FFF, 0, 0}}, {{0x3FFF, 0, 0}}, {{0x7FFF, 0, 0}},
    {{0x7FFF, 3, 0}}, {{0xFFFF, 3, 0}}, {{0xFFFF, 3, 3}}, {{0xFFFF, 3, 3}},
};

// A structure that is longer than the kernel's is taken if what it doesn't know is zero (copy_struct_from_user).
void landlock_answer(pid_t program, const struct landlock_of_old *old) {
    enum { version_asked = 1 };
    if (entered_argument(2) == version_asked) return finish_call(program, true, old->claimed);
    uint64_t asked[3] = {0};
    size_t size = entered_argument(1);
    peek(program, entered_argument(0), asked, size < sizeof asked ? size : sizeof asked);
    unsigned fields = old->known >= 6 ? 3 : old->known >= 4 ? 2 : 1;
    for (unsigned i = 0; i < 3; i++)
        if (asked[i] & ~versions[old->known].known[i]) return finish_call(program, true, i < fields ? -EINVAL : -E2BIG);
}
