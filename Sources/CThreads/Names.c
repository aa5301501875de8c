#define _GNU_SOURCE
#include "CThreads.h"
#include "Thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Modules of nsswitch.conf(5) run on this stack.
enum { stack_bytes = 512 * 1024, most_at_a_time = 4, most_addresses = 16, answer_bytes = 2048 };
_Static_assert(most_addresses * (INET6_ADDRSTRLEN + 1) < answer_bytes && answer_bytes <= 4096, "a pipe takes it at once");

static atomic_int running;

struct lookup {
    int descriptor;
    char host[];
};

static void *look_up(void *argument) {
    pthread_setname_np(pthread_self(), "powercap-names");
    struct lookup *lookup = argument;
    char answer[answer_bytes];
    size_t length = 0;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int problem = getaddrinfo(lookup->host, NULL, &hints, &found);
    if (problem) {
        const char *words = problem == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(problem);
        length = (size_t)snprintf(answer, sizeof answer, "!%s", words ? words : "unknown error");
    }
    int number = 0;
    for (struct addrinfo *one = found; one && number < most_addresses; one = one->ai_next, number++) {
        char text[INET6_ADDRSTRLEN];
        const void *address = one->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)one->ai_addr)->sin6_addr
                                                         : (void *)&((struct sockaddr_in *)one->ai_addr)->sin_addr;
        if (!inet_ntop(one->ai_family, address, text, sizeof text)) continue;
        length += (size_t)snprintf(answer + length, sizeof answer - length, "%s ", text);
    }
    if (found) freeaddrinfo(found);
    // Nobody may be waiting any more: then this fails, and SIGPIPE is blocked.
    if (write(lookup->descriptor, answer, length) < 0) {}
    close(lookup->descriptor);
    free(lookup);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

int32_t ct_lookup(const char *host) {
    if (atomic_fetch_add(&running, 1) >= most_at_a_time) {
        atomic_fetch_sub(&running, 1);
        return -EAGAIN;
    }
    int ends[2] = {-1, -1}, problem = 0;
    struct lookup *lookup = malloc(sizeof *lookup + strlen(host) + 1);
    if (!lookup) problem = ENOMEM;
    else if (pipe2(ends, O_CLOEXEC) < 0) problem = errno;
    else {
        // Only the end that is read belongs to the loop, which never waits.
        if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) problem = errno;
        lookup->descriptor = ends[1];
        strcpy(lookup->host, host);
        if (!problem) problem = start_thread(look_up, lookup, stack_bytes);
    }
    if (!problem) return ends[0];
    if (ends[0] >= 0) close(ends[0]), close(ends[1]);
    free(lookup);
    atomic_fetch_sub(&running, 1);
    return -problem;
}

// 4 or 16 bytes; 0 where it is no address.
static int parse(const char *text, unsigned char bytes[16]) {
    if (inet_pton(AF_INET, text, bytes) == 1) return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

bool ct_is_address(const char *text) {
    unsigned char bytes[16];
    return parse(text, bytes) > 0;
}

bool ct_is_within(const char *address, const char *network) {
    char base[INET6_ADDRSTRLEN];
    size_t length = strcspn(network, "/");
    if (length >= sizeof base) return false;
    memcpy(base, network, length);
    base[length] = 0;
    unsigned char one[16], other[16];
    int size = parse(address, one);
    if (size == 0 || parse(base, other) != size) return false;
    long bits = size * 8;
    if (network[length] == '/') {
        char *end;
        bits = strtol(network + length + 1, &end, 10);
        if (end == network + length + 1 || *end || bits < 0 || bits > size * 8) return false;
    }
    if (memcmp(one, other, (size_t)bits / 8)) return false;
    unsigned char mask = (unsigned char)(0xFF00 >> (bits % 8));
    return bits % 8 == 0 || ((one[bits / 8] ^ other[bits / 8]) & mask) == 0;
}
