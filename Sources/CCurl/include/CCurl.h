// libcurl as Swift can call it. curl_easy_setopt(3), curl_multi_setopt(3) and curl_easy_getinfo(3) are variadic, so there is one
// function here for each type of argument.
//
// The library is loaded when it is first needed: it brings thirty others, which take longer to load than the controller needs to
// set the first limit, and without Kubernetes they aren't needed at all.
#ifndef CCURL_H
#define CCURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>

// Of CURLOPT_HTTPAUTH, whose macros Swift can't read: a password in plain text with the first request; when the server has asked, by a digest
// where it takes one.
enum { ccurl_basic = CURLAUTH_BASIC, ccurl_digest_or_basic = CURLAUTH_DIGEST | CURLAUTH_BASIC };

// Loads and initialises libcurl. NULL, or why it can't be loaded (dlerror(3)). No other function may be called before.
const char *ccurl_load(void);

// Its connections are given up by the kernel when the other end is gone without a word.
CURL *ccurl_easy(void);
void ccurl_easy_end(CURL *easy);
CURLcode ccurl_number(CURL *easy, CURLoption option, long value);
CURLcode ccurl_text(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_pointer(CURL *easy, CURLoption option, void *value);
CURLcode ccurl_function(CURL *easy, CURLoption option, curl_write_callback value);
// Whom to trust, instead of a file that libcurl opens: PEM, which is copied. False where this libcurl can't.
bool ccurl_authorities(CURL *easy, void *bytes, size_t count);
long ccurl_info_number(CURL *easy, CURLINFO info);
curl_off_t ccurl_info_offset(CURL *easy, CURLINFO info);
const char *ccurl_words(CURLcode code);

struct curl_slist *ccurl_append(struct curl_slist *list, const char *text);
void ccurl_list_end(struct curl_slist *list);

CURLM *ccurl_multi(curl_socket_callback socket, curl_multi_timer_callback timer);
// What the callbacks are given.
void ccurl_multi_owner(CURLM *multi, void *owner);
void ccurl_multi_end(CURLM *multi);
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy);
void ccurl_multi_remove(CURLM *multi, CURL *easy);
// A socket of libcurl's is ready, or CURL_SOCKET_TIMEOUT: the time of the timer has come.
void ccurl_multi_ready(CURLM *multi, curl_socket_t socket);
// The next transfer that ended, of which curl_multi_info_read(3) tells by a union; NULL when there is none.
CURL *ccurl_multi_next_ended(CURLM *multi, CURLcode *result);

#endif
