#define _GNU_SOURCE
#include "calls.h"

#include <ctype.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tracee.h"

// Where texts and bytes are put in the process. The address is fixed, so that bytes can hold it.
enum { scratch = 0x10000000, scratch_bytes = 4096 };

static void fail(const char *what, const char *text) {
    fprintf(stderr, "Intruder: %s: %s\n", what, text);
    exit(2);
}

int call_number(const char *name) {
    if (isdigit((unsigned char)name[0])) return (int)strtol(name, NULL, 0);
    int number = seccomp_syscall_resolve_name(name);
    if (number < 0) fail("this architecture has no such system call", name);
    return number;
}

static size_t bytes_of_hex(const char *digits, char *bytes, size_t capacity) {
    size_t count = 0;
    for (; digits[0] && digits[1] && count < capacity; digits += 2) {
        char pair[3] = {digits[0], digits[1], 0};
        bytes[count++] = (char)strtol(pair, NULL, 16);
    }
    return count;
}

void make_room(pid_t program) {
    const unsigned long map[6] = {scratch, scratch_bytes, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (unsigned long)-1, 0};
    if (replace_call(program, SYS_mmap, map) != scratch) fail("no room for arguments", "mmap");
    enter_again(program);
}

long make_call(pid_t program, const char *text, const long given[]) {
    char *words = strdup(text), *rest = words, bytes[1024];
    const char *name = strsep(&rest, " ");
    unsigned long argument[6] = {0};
    unsigned long free_address = scratch;
    for (unsigned i = 0; rest && i < 6; i++) {
        const char *word = strsep(&rest, " ");
        if (word[0] != '=' && word[0] != '#') {
            argument[i] = word[0] == '@' ? (unsigned long)given[word[1] - '0'] : strtoul(word, NULL, 0);
            continue;
        }
        size_t count = word[0] == '=' ? (size_t)snprintf(bytes, sizeof bytes, "%s", word + 1) + 1
                                      : bytes_of_hex(word + 1, bytes, sizeof bytes);
        if (count > sizeof bytes || free_address + count > scratch + scratch_bytes) fail("too long", text);
        poke(program, free_address, bytes, count);
        argument[i] = free_address;
        free_address = (free_address + count + 7) & ~7ul;
    }
    long result = replace_call(program, call_number(name), argument);
    free(words);
    return result;
}
