// Times round trips to several servers: a Ping to each, a ReadSample to each, and again, so that whatever else the machine
// does meets all of them alike. The order is drawn anew every time: in a fixed one, two servers that don't differ came out a
// fifth apart, because the scheduler treats each place in the order differently. Each reply must be what the first server's
// is, or the comparison isn't one. REST is how many microseconds it waits after each reply, in which a server can end what it does beside
// answering: otherwise that would be in the others' times.
//
//     roundtrips ROUNDS REST SOCKET...
//
// Prints a line per operation and server: operation, server's position, bytes of the reply, p50, p90, p99 in nanoseconds.
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, TIME_STAMP = 8, SERVERS = 8, WARM_UP = 1000 };
static const struct { const char *name; uint8_t type; } operations[] = {{"Ping", 0x08}, {"ReadSample", 0x03}};

static struct reply { size_t bytes; uint8_t data[1 << 16]; } replies[SERVERS];
static int sockets[SERVERS];

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t round_trip(int server, const uint8_t *request, size_t bytes) {
    struct reply *reply = &replies[server];
    size_t whole = HEADER;
    uint64_t start = now_ns();
    if (write(sockets[server], request, bytes) != (ssize_t)bytes) err(1, "write to server %d", server);
    for (reply->bytes = 0; reply->bytes < whole;) {
        ssize_t got = read(sockets[server], reply->data + reply->bytes, sizeof reply->data - reply->bytes);
        if (got <= 0) err(1, "server %d closed the connection", server);
        reply->bytes += (size_t)got;
        if (reply->bytes >= 4) whole = 4 + (reply->data[0] | (size_t)reply->data[1] << 8);
    }
    return now_ns() - start;
}

static void connect_to(int server, const char *path) {
    static const uint8_t hello[] = {16, 0, 0, 0, 1, 0, 0, 0, 'P', 'W', 'R', 'C', 3, 3, 5, 'b', 'e', 'n', 'c', 'h'};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) errx(1, "the socket's path is too long: %s", path);
    memcpy(address.sun_path, path, strlen(path));
    sockets[server] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(sockets[server], (struct sockaddr *)&address, sizeof address) < 0) err(1, "connect %s", path);
    round_trip(server, hello, sizeof hello);
    if (replies[server].data[4] != 0x81) errx(1, "%s answers a Hello with 0x%02x", path, replies[server].data[4]);
}

// Equal to the first server's reply, but for a Sample's time stamp.
static void compare(int server, const char *operation) {
    struct reply *mine = &replies[server], *first = &replies[0];
    size_t skipped = HEADER;
    if (mine->bytes > HEADER) skipped += TIME_STAMP;
    if (mine->bytes != first->bytes || memcmp(mine->data, first->data, HEADER) != 0
        || memcmp(mine->data + skipped, first->data + skipped, mine->bytes - skipped) != 0)
        errx(1, "%s: server %d answers %zu bytes that differ from the first one's %zu", operation, server, mine->bytes,
             first->bytes);
}

static int ascending(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void shuffle(int *order, int count) {
    static uint32_t random = 2463534242; // xorshift (Marsaglia): the same orders in every run
    for (int i = count - 1; i > 0; i--) {
        random ^= random << 13, random ^= random >> 17, random ^= random << 5;
        int other = (int)(random % (uint32_t)(i + 1)), kept = order[i];
        order[i] = order[other], order[other] = kept;
    }
}

int main(int argc, char **argv) {
    int servers = argc - 3;
    if (servers < 1 || servers > SERVERS) errx(2, "usage: roundtrips ROUNDS REST SOCKET...");
    long rounds = atol(argv[1]);
    const struct timespec rest = {.tv_nsec = atol(argv[2]) * 1000};
    uint32_t *times[2][SERVERS];
    size_t bytes[2] = {0, 0};
    for (int server = 0; server < servers; server++) {
        connect_to(server, argv[3 + server]);
        for (int operation = 0; operation < 2; operation++)
            if (!(times[operation][server] = calloc((size_t)rounds, sizeof(uint32_t)))) err(1, "calloc");
    }
    int order[SERVERS];
    for (int server = 0; server < servers; server++) order[server] = server;
    for (long round = -WARM_UP; round < rounds; round++)
        for (int operation = 0; operation < 2; operation++) {
            uint8_t request[HEADER] = {4, 0, 0, 0, operations[operation].type, 0, (uint8_t)round, (uint8_t)(round >> 8)};
            shuffle(order, servers);
            for (int turn = 0; turn < servers; turn++) {
                int server = order[turn];
                uint64_t taken = round_trip(server, request, sizeof request);
                if (round >= 0) times[operation][server][round] = (uint32_t)taken;
                if (rest.tv_nsec) nanosleep(&rest, NULL);
            }
            // What is read beside the loop is in the second reply.
            for (int server = 1; server < servers && round > -WARM_UP; server++) compare(server, operations[operation].name);
            bytes[operation] = replies[0].bytes;
            if (replies[0].data[4] != (operations[operation].type | 0x80)) errx(1, "%s is refused", operations[operation].name);
        }
    for (int operation = 0; operation < 2; operation++)
        for (int server = 0; server < servers; server++) {
            uint32_t *sorted = times[operation][server];
            qsort(sorted, (size_t)rounds, sizeof *sorted, ascending);
            printf("%s %d %zu %u %u %u\n", operations[operation].name, server, bytes[operation], sorted[rounds / 2],
                   sorted[rounds * 9 / 10], sorted[rounds * 99 / 100]);
        }
}
