// What can wait for others as long as they like, each on a thread of its own, so that the caller's never does: log lines that somebody
// has to read, and names that somebody has to know. The threads take no signal, and are powercap-log and powercap-names in ps -T.
#ifndef CTHREADS_H
#define CTHREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The longest line that is taken.
enum { ct_line_bytes = 16 * 1024 };

// Takes a line, with its newline, for standard error. False: there is no room, because nobody reads; the line is counted as lost.
bool ct_line(const void *bytes, size_t count);
// How many lines were lost since the last call. They are counted again by a call that gives them back.
uint64_t ct_lost_lines(void);
void ct_lose_lines(uint64_t count);
// Waits until every line is written, or the time is over: whether it is so.
bool ct_lines_written(uint32_t milliseconds);

// Looks a host up (getaddrinfo(3)): a descriptor from which the answer can be read, and which ends with it; a negative errno where
// there is no thread for it, -EAGAIN where too many are waiting already. The answer is numeric addresses, a space behind each, or
// `!` and gai_strerror(3)'s words.
int32_t ct_lookup(const char *host);
// Whether an address is within a network, such as 10.0.0.0/8; without a slash, whether they are the same address.
bool ct_is_within(const char *address, const char *network);
// Whether a text is a numeric address of IPv4 or IPv6.
bool ct_is_address(const char *text);

#endif
