#include "CMicrohttpd.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

// Each function of GnuTLS that is used, by its name there.
#define FUNCTIONS(each) \
    each(gnutls_strerror) each(gnutls_free) each(gnutls_x509_crt_list_import2) each(gnutls_x509_crt_get_activation_time) \
    each(gnutls_x509_crt_get_expiration_time) each(gnutls_x509_crt_deinit) each(gnutls_certificate_allocate_credentials) \
    each(gnutls_certificate_set_x509_key_mem) each(gnutls_certificate_free_credentials)

#define DECLARE(name) static __typeof__(name) *do_##name;
FUNCTIONS(DECLARE)

static const char *load(void) {
    static bool loaded;
    if (loaded) return NULL;
    // What libmicrohttpd has loaded already; its name since 3.4 (2015).
    void *library = dlopen("libgnutls.so.30", RTLD_NOW | RTLD_LOCAL);
    if (!library) return dlerror();
#define FIND(name) \
    do_##name = (__typeof__(name) *)dlsym(library, #name); \
    if (!do_##name) return dlerror();
    FUNCTIONS(FIND)
    loaded = true;
    return NULL;
}

static gnutls_datum_t datum(const char *text) {
    return (gnutls_datum_t){(unsigned char *)text, (unsigned int)strlen(text)};
}

enum cmhd_verdict cmhd_check(const char *certificate, const char *key, struct cmhd_validity *validity) {
    *validity = (struct cmhd_validity){0};
    if ((validity->why = load())) return cmhd_no_library;
    gnutls_datum_t chain_text = datum(certificate), key_text = datum(key);
    gnutls_x509_crt_t *chain = NULL;
    unsigned int count = 0;
    int code = do_gnutls_x509_crt_list_import2(&chain, &count, &chain_text, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0 || count == 0) {
        validity->why = do_gnutls_strerror(code < 0 ? code : GNUTLS_E_NO_CERTIFICATE_FOUND);
        return cmhd_no_certificate;
    }
    validity->from_s = do_gnutls_x509_crt_get_activation_time(chain[0]);
    validity->until_s = do_gnutls_x509_crt_get_expiration_time(chain[0]);
    for (unsigned int index = 0; index < count; index++) do_gnutls_x509_crt_deinit(chain[index]);
    // A variable that points to a function.
    (*do_gnutls_free)(chain);

    gnutls_certificate_credentials_t credentials = NULL;
    code = do_gnutls_certificate_allocate_credentials(&credentials);
    if (code >= 0) {
        code = do_gnutls_certificate_set_x509_key_mem(credentials, &chain_text, &key_text, GNUTLS_X509_FMT_PEM);
        do_gnutls_certificate_free_credentials(credentials);
    }
    if (code >= 0) return cmhd_fits;
    validity->why = do_gnutls_strerror(code);
    return code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH ? cmhd_misfit : cmhd_no_key;
}
