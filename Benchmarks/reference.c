// The yardstick of the round trips: the least that a C program does for the same answers. One thread, level-triggered epoll,
// a Unix stream socket, files kept open, the reply written in one go. It speaks the protocol as far as Hello, Ping and
// ReadSample, and checks as much of a frame and of a number as the helper does, because an unchecked one would be no answer.
// It has no sandbox, no lease and no writes: what those cost the helper is part of the ratio.
//
//     reference SOCKET ZONES
//
// ZONES has a line per zone, in the helper's order: the paths of what it uses, of enabled, of a device's runtime_status and of each limit;
// `-` where there is none. Where the helper has a thread for a zone, this reads its files as well before it answers.
#define _GNU_SOURCE
#include <errno.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, LONGEST_REQUEST = 1873, CONNECTIONS = 64, ZONES = 128, LIMITS = 4 };
enum { HELLO = 1, READ_SAMPLE = 3, PING = 8, REPLY = 0x80 };

struct reading { uint8_t error; uint64_t value; };
static struct zone { int reading, enabled, status, limit[LIMITS], limits; struct reading last[LIMITS]; } zones[ZONES];
static int zone_count;
static struct connection { size_t filled; uint8_t input[LONGEST_REQUEST]; } connections[CONNECTIONS + 8]; // by descriptor
static uint8_t reply[1 << 16];
static size_t reply_bytes;

static void put(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) reply[reply_bytes++] = (uint8_t)(value >> (8 * i));
}

static uint8_t read_number(int file, uint64_t *value) {
    uint8_t text[32];
    ssize_t count = pread(file, text, sizeof text, 0);
    if (count < 0) return (uint8_t)errno;
    ssize_t i = 0;
    for (*value = 0; i < count && text[i] != '\n'; i++) {
        if (text[i] < '0' || text[i] > '9') return EBADMSG;
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, text[i] - '0', value)) return EBADMSG;
    }
    return i > 0 ? 0 : EBADMSG;
}

// The many ways in which a device says that it has no value now (Attribute.swift).
static struct reading look(const struct zone *zone, int file) {
    struct reading reading = {0, 0};
    reading.error = read_number(file, &reading.value);
    if (zone->status < 0) return reading;
    if (reading.error == EINVAL || reading.error == EPERM || reading.error == EAGAIN) reading.error = ENODATA;
    if (!reading.error && reading.value >= 4294967295000u) reading.error = ENODATA;
    return reading;
}

static bool is_asleep(const struct zone *zone) {
    char text[16];
    if (zone->status < 0) return false;
    ssize_t count = pread(zone->status, text, sizeof text, 0);
    return (count >= 7 && memcmp(text, "suspend", 7) == 0) || (count >= 5 && memcmp(text, "resum", 5) == 0);
}

static void put_reading(struct reading reading) {
    put(reading.error, 1);
    put(reading.error ? 0 : reading.value, 8);
}

static void put_sample(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    put((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, 8);
    put((uint64_t)zone_count, 2);
    for (int i = 0; i < zone_count; i++) {
        struct zone *zone = &zones[i];
        bool asleep = is_asleep(zone);
        uint64_t enabled = 0;
        put((uint64_t)i, 2);
        put(0, 1); // neither gone nor being written
        size_t at = reply_bytes++;
        put_reading(asleep ? (struct reading){ESHUTDOWN, 0} : look(zone, zone->reading));
        put(0, 2); // no write beside the loop has failed
        reply[at] = zone->enabled >= 0 && read_number(zone->enabled, &enabled) == 0 && enabled <= 1 ? (uint8_t)enabled : 2;
        put((uint64_t)zone->limits, 1);
        for (int j = 0; j < zone->limits; j++) {
            if (!asleep) zone->last[j] = look(zone, zone->limit[j]);
            put_reading(zone->last[j]);
        }
    }
}

// False ends the connection.
static bool answer(const uint8_t *request) {
    size_t start = reply_bytes;
    put(0, 4);
    put(request[4] | REPLY, 1);
    put(0, 1);
    put(request[6] | (uint64_t)request[7] << 8, 2);
    switch (request[4]) {
    case HELLO: put(3, 1), put(0, 16), put(1, 1), put('C', 1), put(0, 23); break; // shaped like a Welcome, all of it 0
    case READ_SAMPLE: put_sample(); break;
    case PING: break;
    default: return false;
    }
    size_t length = reply_bytes - start - 4;
    for (int i = 0; i < 4; i++) reply[start + (size_t)i] = (uint8_t)(length >> (8 * i));
    return true;
}

static bool serve(int fd, struct connection *connection) {
    ssize_t got = read(fd, connection->input + connection->filled, sizeof connection->input - connection->filled);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection->filled += (size_t)got;
    size_t start = 0;
    reply_bytes = 0;
    while (connection->filled - start >= HEADER) {
        const uint8_t *frame = connection->input + start;
        uint32_t length = frame[0] | (uint32_t)frame[1] << 8 | (uint32_t)frame[2] << 16 | (uint32_t)frame[3] << 24;
        if (length < 4 || length > LONGEST_REQUEST - 4 || frame[5] != 0) return false;
        if (start + 4 + length > connection->filled) break;
        if (!answer(frame)) return false;
        start += 4 + length;
    }
    connection->filled -= start;
    memmove(connection->input, connection->input + start, connection->filled);
    return reply_bytes == 0 || write(fd, reply, reply_bytes) == (ssize_t)reply_bytes;
}

static int open_file(const char *path) {
    if (strcmp(path, "-") == 0) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) err(1, "%s", path);
    return fd;
}

static void open_zones(const char *list) {
    char line[4096];
    FILE *file = fopen(list, "r");
    if (!file) err(1, "%s", list);
    for (; zone_count < ZONES && fgets(line, sizeof line, file); zone_count++) {
        struct zone *zone = &zones[zone_count];
        zone->reading = open_file(strtok(line, " \n"));
        zone->enabled = open_file(strtok(NULL, " \n"));
        zone->status = open_file(strtok(NULL, " \n"));
        for (char *path; zone->limits < LIMITS && (path = strtok(NULL, " \n"));) zone->limit[zone->limits++] = open_file(path);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 3) errx(2, "usage: reference SOCKET ZONES");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(argv[1]) >= sizeof address.sun_path) errx(1, "the socket's path is too long: %s", argv[1]);
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) err(1, "bind %s", argv[1]);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[16];
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) err(1, "epoll_ctl");
    open_zones(argv[2]);
    // From here on it can be connected to.
    if (listen(listener, CONNECTIONS) < 0) err(1, "listen");
    int first = -1; // connections get the descriptors from here on
    for (;;) {
        int count = epoll_wait(epoll, events, 16, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) continue;
                if (first < 0) first = fd;
                if (fd - first >= CONNECTIONS) errx(1, "too many connections");
                connections[fd - first].filled = 0;
                event = (struct epoll_event){.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
                if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) err(1, "epoll_ctl");
            } else if (!serve(fd, &connections[fd - first])) {
                close(fd);
            }
        }
    }
}
