#include "CMicrohttpd.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

// Each function of libmicrohttpd that is used, by its name there.
#define FUNCTIONS(each) \
    each(MHD_set_panic_func) each(MHD_start_daemon) each(MHD_stop_daemon) each(MHD_get_daemon_info) each(MHD_add_connection) \
    each(MHD_run) each(MHD_get_timeout) each(MHD_get_connection_info) each(MHD_get_connection_values) \
    each(MHD_create_response_from_buffer) each(MHD_add_response_header) each(MHD_queue_response) each(MHD_destroy_response)

#define DECLARE(name) static __typeof__(name) *do_##name;
FUNCTIONS(DECLARE)

const char *cmhd_load(MHD_PanicCallback panic) {
    static bool loaded;
    if (loaded) return NULL;
    // The name that its ABI has had since 0.9.60 (2018), up to and with 1.0.
    void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
#define FIND(name) \
    do_##name = (__typeof__(name) *)dlsym(library, #name); \
    if (!do_##name) return dlerror();
    FUNCTIONS(FIND)
    do_MHD_set_panic_func(panic, NULL);
    loaded = true;
    return NULL;
}

// TLS 1.3, and of TLS 1.2 what is as good: keys of their own for each connection, and ciphers that notice what was changed. The group that
// OpenSSL's clients begin with comes first: another would take them a round trip more.
#define PRIORITIES \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:" \
    "+CHACHA20-POLY1305:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE"

struct MHD_Daemon *cmhd_start(
    unsigned int connections, size_t memory, const char *certificate, const char *key, void *owner, struct cmhd_calls calls, int *why) {
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    errno = 0;
    // Without MHD_USE_ERROR_LOG it writes nothing anywhere.
    struct MHD_Daemon *daemon = do_MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | (certificate ? MHD_USE_TLS : 0), 0, NULL, NULL, calls.answer, owner,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_NOTIFY_CONNECTION,
        calls.connection, owner, MHD_OPTION_URI_LOG_CALLBACK, calls.target, owner, MHD_OPTION_NOTIFY_COMPLETED, calls.completed, owner,
        MHD_OPTION_ARRAY, certificate ? secure : none, MHD_OPTION_END);
    *why = errno ? errno : ENOMEM;
    return daemon;
}
void cmhd_stop(struct MHD_Daemon *daemon) { do_MHD_stop_daemon(daemon); }
int cmhd_descriptor(struct MHD_Daemon *daemon) { return do_MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd; }
void cmhd_add(struct MHD_Daemon *daemon, int fd) {
    // A handshake's second packet would wait for the first one to be acknowledged, which takes 40 ms. A Unix socket has no such option.
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    // Only limits of connections by address would look at it.
    struct sockaddr address = {.sa_family = AF_UNSPEC};
    do_MHD_add_connection(daemon, fd, &address, sizeof address);
}
void cmhd_run(struct MHD_Daemon *daemon) { do_MHD_run(daemon); }
bool cmhd_is_pending(struct MHD_Daemon *daemon) {
    MHD_UNSIGNED_LONG_LONG milliseconds;
    return do_MHD_get_timeout(daemon, &milliseconds) == MHD_YES && milliseconds == 0;
}

void *cmhd_context(struct MHD_Connection *connection) {
    return do_MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}
void cmhd_headers(struct MHD_Connection *connection, MHD_KeyValueIterator each, void *owner) {
    do_MHD_get_connection_values(connection, MHD_HEADER_KIND, each, owner);
}

struct MHD_Response *cmhd_response(const void *bytes, size_t count) {
    return do_MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}
bool cmhd_response_add(struct MHD_Response *response, const char *name, const char *value) {
    return do_MHD_add_response_header(response, name, value) == MHD_YES;
}
bool cmhd_send(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    return do_MHD_queue_response(connection, status, response) == MHD_YES;
}
void cmhd_response_end(struct MHD_Response *response) { do_MHD_destroy_response(response); }
