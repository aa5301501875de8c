// libmicrohttpd as Swift can call it: MHD_start_daemon(3) and its like are variadic. One thread serves, the caller's, by epoll(7);
// connections are given to it, as it has no listening socket of its own.
//
// The library is loaded when it is first needed: it brings GnuTLS, and where nothing is served it isn't needed at all.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

// What it calls, within cmhd_run, cmhd_add and cmhd_stop, with `owner` as the first argument.
struct cmhd_calls {
    // A connection has begun, and has room for a pointer, or has ended.
    MHD_NotifyConnectionCallback connection;
    // A request's first line has come, with its target as it was sent; NULL where it has none. What it gives back is of no use.
    void *(*target)(void *owner, const char *target, struct MHD_Connection *connection);
    // Once when a request's headers have come, then for each piece of its body, and at its end each time it is run until there is an
    // answer.
    MHD_AccessHandlerCallback answer;
    // A request has ended in one way or another.
    MHD_RequestCompletedCallback completed;
};

// Loads libmicrohttpd. NULL, or why it can't be loaded (dlerror(3)). No other function may be called before. `panic` is told of what
// should never be, and must not return.
const char *cmhd_load(MHD_PanicCallback panic);

// NULL where the kernel or the memory has no room, and in `why` the errno. `memory` is what a connection has for headers and the like, in
// bytes. TLS is spoken where there is a certificate, with its key, as `cmhd_check` has taken them; both are copied.
struct MHD_Daemon *cmhd_start(
    unsigned int connections, size_t memory, const char *certificate, const char *key, void *owner, struct cmhd_calls calls, int *why);
void cmhd_stop(struct MHD_Daemon *daemon);
// For waiting on.
int cmhd_descriptor(struct MHD_Daemon *daemon);
// Takes the descriptor of a connection over, also where it fails.
void cmhd_add(struct MHD_Daemon *daemon, int fd);
void cmhd_run(struct MHD_Daemon *daemon);
// Whether it has something to do though its descriptor isn't readable.
bool cmhd_is_pending(struct MHD_Daemon *daemon);

// The pointer that a connection has room for.
void *cmhd_context(struct MHD_Connection *connection);
void cmhd_headers(struct MHD_Connection *connection, MHD_KeyValueIterator each, void *owner);

// An answer with a copy of these bytes; NULL without memory.
struct MHD_Response *cmhd_response(const void *bytes, size_t count);
// False for what can't be in a header.
bool cmhd_response_add(struct MHD_Response *response, const char *name, const char *value);
// Sends it, from within the call that asks for an answer; false where that can't be.
bool cmhd_send(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response);
void cmhd_response_end(struct MHD_Response *response);

// What is wrong with a certificate and a key.
enum cmhd_verdict { cmhd_fits, cmhd_no_library, cmhd_no_certificate, cmhd_no_key, cmhd_misfit };
struct cmhd_validity {
    // Of the first certificate, the server's own, in seconds since 1970.
    int64_t from_s, until_s;
    // What GnuTLS, or dlerror(3), says of it; NULL where it fits.
    const char *why;
};
// Whether GnuTLS takes a certificate, with its chain behind it, and a key: both PEM. libmicrohttpd doesn't say why it takes none.
enum cmhd_verdict cmhd_check(const char *certificate, const char *key, struct cmhd_validity *validity);

#endif
