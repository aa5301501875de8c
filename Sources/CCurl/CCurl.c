#include "CCurl.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

// Each function of libcurl that is used, by its name there.
#define FUNCTIONS(each) \
    each(curl_global_init) each(curl_easy_init) each(curl_easy_cleanup) each(curl_easy_setopt) each(curl_easy_getinfo) \
    each(curl_easy_strerror) each(curl_slist_append) each(curl_slist_free_all) each(curl_multi_init) each(curl_multi_cleanup) \
    each(curl_multi_setopt) each(curl_multi_add_handle) each(curl_multi_remove_handle) each(curl_multi_socket_action) \
    each(curl_multi_info_read)

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#define DECLARE(name) static __typeof__(name) *do_##name;
FUNCTIONS(DECLARE)

const char *ccurl_load(void) {
    static bool loaded;
    if (loaded) return NULL;
    // The name that its ABI has kept since 2006.
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
#define FIND(name) \
    do_##name = (__typeof__(name) *)dlsym(library, #name); \
    if (!do_##name) return dlerror();
    FUNCTIONS(FIND)
    if (do_curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return "curl_global_init failed";
    loaded = true;
    return NULL;
}

// The kernel gives a connection up when nobody has acknowledged what was sent, or a probe, for so long (tcp(7)): 20 s after its packets
// began to vanish, where nothing but probes is sent.
static int watch_peer(void *unused, curl_socket_t socket, curlsocktype purpose) {
    (void)unused;
    (void)purpose;
    unsigned int milliseconds = 15000;
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
    return CURL_SOCKOPT_OK;
}

CURL *ccurl_easy(void) {
    CURL *easy = do_curl_easy_init();
    if (!easy) return NULL;
    do_curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, watch_peer);
    do_curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    do_curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
    do_curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
    return easy;
}
void ccurl_easy_end(CURL *easy) { do_curl_easy_cleanup(easy); }
CURLcode ccurl_number(CURL *easy, CURLoption option, long value) { return do_curl_easy_setopt(easy, option, value); }
CURLcode ccurl_text(CURL *easy, CURLoption option, const char *value) { return do_curl_easy_setopt(easy, option, value); }
CURLcode ccurl_pointer(CURL *easy, CURLoption option, void *value) { return do_curl_easy_setopt(easy, option, value); }
CURLcode ccurl_function(CURL *easy, CURLoption option, curl_write_callback value) { return do_curl_easy_setopt(easy, option, value); }
// CURLOPT_CAINFO_BLOB, of libcurl 7.77 and some TLS libraries, and struct curl_blob of 7.71: headers may be older.
bool ccurl_authorities(CURL *easy, void *bytes, size_t count) {
    struct { void *data; size_t len; unsigned int flags; } blob = {bytes, count, 1}; // CURL_BLOB_COPY
    return do_curl_easy_setopt(easy, (CURLoption)(40000 + 309), &blob) == CURLE_OK;
}
long ccurl_info_number(CURL *easy, CURLINFO info) {
    long value = 0;
    do_curl_easy_getinfo(easy, info, &value);
    return value;
}
curl_off_t ccurl_info_offset(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    do_curl_easy_getinfo(easy, info, &value);
    return value;
}
const char *ccurl_words(CURLcode code) { return do_curl_easy_strerror(code); }

struct curl_slist *ccurl_append(struct curl_slist *list, const char *text) { return do_curl_slist_append(list, text); }
void ccurl_list_end(struct curl_slist *list) { do_curl_slist_free_all(list); }

CURLM *ccurl_multi(curl_socket_callback socket, curl_multi_timer_callback timer) {
    CURLM *multi = do_curl_multi_init();
    if (!multi) return NULL;
    do_curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
    do_curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
    return multi;
}
void ccurl_multi_owner(CURLM *multi, void *owner) {
    do_curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, owner);
    do_curl_multi_setopt(multi, CURLMOPT_TIMERDATA, owner);
}
void ccurl_multi_end(CURLM *multi) { do_curl_multi_cleanup(multi); }
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy) { return do_curl_multi_add_handle(multi, easy); }
void ccurl_multi_remove(CURLM *multi, CURL *easy) { do_curl_multi_remove_handle(multi, easy); }
void ccurl_multi_ready(CURLM *multi, curl_socket_t socket) {
    int running;
    // 0: libcurl looks for itself what the socket is ready for.
    do_curl_multi_socket_action(multi, socket, 0, &running);
}
CURL *ccurl_multi_next_ended(CURLM *multi, CURLcode *result) {
    int left;
    CURLMsg *message;
    while ((message = do_curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) continue;
        *result = message->data.result;
        return message->easy_handle;
    }
    return NULL;
}
