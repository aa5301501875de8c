// Standard error may be a pipe, a terminal, the journal's socket or a file, and each can keep a writer for ever. O_NONBLOCK belongs to the
// open file, which others share, and a file or a terminal doesn't heed it as one would like. So a thread waits, and nobody else.
#define _GNU_SOURCE
#include "CThreads.h"
#include "Thread.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ring_bytes = 64 * 1024, stack_bytes = 64 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
// Made with the thread, because its clock must not jump.
static pthread_cond_t emptied;
static bool is_started;
static char ring[ring_bytes];
// Where the oldest byte is, and how many there are. The line that is being written counts until it is done.
static size_t first, count;
static uint64_t lost;

// False: what is left of the line can't be written.
static bool write_all(const char *bytes, size_t left) {
    while (left > 0) {
        ssize_t done = write(STDERR_FILENO, bytes, left);
        if (done >= 0) {
            bytes += done;
            left -= (size_t)done;
        } else if (errno == EAGAIN) {
            // Somebody who shares the open file has set O_NONBLOCK.
            struct pollfd one = {.fd = STDERR_FILENO, .events = POLLOUT};
            poll(&one, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

_Noreturn static void *write_lines(void *unused) {
    (void)unused;
    pthread_setname_np(pthread_self(), "powercap-log");
    static char line[1 + ct_line_bytes];
    bool is_torn = false;
    pthread_mutex_lock(&lock);
    while (true) {
        while (count == 0) pthread_cond_wait(&filled, &lock);
        size_t length = 0;
        do line[1 + length] = ring[(first + length) % ring_bytes];
        while (line[1 + length++] != '\n');
        pthread_mutex_unlock(&lock);
        // One write(2), so that others' lines don't come in between. After half a line, as a full disk leaves one, a new one begins.
        line[0] = '\n';
        bool is_written = write_all(is_torn ? line : line + 1, is_torn ? length + 1 : length);
        if (is_written) is_torn = false;
        else if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) is_torn = true;
        pthread_mutex_lock(&lock);
        first = (first + length) % ring_bytes;
        count -= length;
        if (!is_written) lost++;
        if (count == 0) pthread_cond_broadcast(&emptied);
    }
}

bool ct_line(const void *bytes, size_t length) {
    const char *text = bytes;
    if (length == 0 || length > ct_line_bytes || memchr(text, '\n', length) != text + length - 1) return false;
    pthread_mutex_lock(&lock);
    if (!is_started) {
        pthread_condattr_t monotonic;
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&emptied, &monotonic);
        pthread_condattr_destroy(&monotonic);
        is_started = start_thread(write_lines, NULL, stack_bytes) == 0;
    }
    bool is_taken = is_started && count + length <= ring_bytes;
    if (is_taken) {
        for (size_t i = 0; i < length; i++) ring[(first + count + i) % ring_bytes] = text[i];
        count += length;
        pthread_cond_signal(&filled);
    } else {
        lost++;
    }
    pthread_mutex_unlock(&lock);
    return is_taken;
}

uint64_t ct_lost_lines(void) {
    pthread_mutex_lock(&lock);
    // While nobody reads there is nobody to tell.
    uint64_t result = count < ring_bytes / 2 ? lost : 0;
    lost -= result;
    pthread_mutex_unlock(&lock);
    return result;
}

void ct_lose_lines(uint64_t more) {
    pthread_mutex_lock(&lock);
    lost += more;
    pthread_mutex_unlock(&lock);
}

bool ct_lines_written(uint32_t milliseconds) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) end = (struct timespec){end.tv_sec + 1, end.tv_nsec - 1000000000};
    pthread_mutex_lock(&lock);
    while (count > 0 && pthread_cond_timedwait(&emptied, &lock, &end) == 0) {}
    bool is_so = count == 0;
    pthread_mutex_unlock(&lock);
    return is_so;
}
