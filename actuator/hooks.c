/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/hooks.h"

#include "actuator/address.h"
#include "common/bus/config.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>

struct reading {
    struct hooks *hooks;
    struct err *e;
    bool is_good;
};

static struct hook *hook_of(struct hooks *h, struct str name)
{
    for (size_t i = 0; i < h->n; i++)
        if (str_is(name, h->at[i].name))
            return &h->at[i];
    h->at = mem_grow(h->at, (h->n + 1) * sizeof *h->at);
    struct hook *hook = &h->at[h->n++];
    *hook = (struct hook){.name = mem_zero(1, name.len + 1)};
    memcpy(hook->name, name.at, name.len);
    return hook;
}

/* Keys and flags have been checked by config. */
static void take(void *to, const char *dotted, const char *value)
{
    struct reading *r = to;
    struct str key;
    struct str name = str_cut(str_of(dotted), '.', &key);
    struct hook *hook = hook_of(r->hooks, name);
    if (str_is(key, "url")) {
        free(hook->url);
        hook->url = mem_text(value);
    } else if (str_is(key, "allow_private")) {
        hook->allow_private =
            strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "1") == 0;
    } else {
        hook->has_key = sign_key_read(str_of(value), &hook->key);
        if (!hook->has_key && r->is_good)
            r->is_good = err_code(r->e, EXIT_CODE_CONFIG,
                                  "[webhooks] %s must be whsec_ and %d to %d bytes in base64",
                                  dotted, SIGN_LEAST, SIGN_MOST);
    }
}

/* Whether a URL's host is an address, or a name of this machine, that is not public. Names that
 * lead to such addresses are found when they are connected to. */
static bool is_private(struct str host)
{
    uint8_t ip[16];
    char text[64];
    struct str zone, bare = host;
    if (bare.len > 0 && bare.at[bare.len - 1] == '.')
        bare.len--;
    if (str_eq_nocase(bare, STR("localhost")) ||
        (bare.len > 10 &&
         str_eq_nocase(str_over(bare.at + bare.len - 10, 10), STR(".localhost"))))
        return true;
    if (str_starts(bare, STR("[")) && str_ends(bare, STR("]")))
        bare = str_cut(str_over(bare.at + 1, bare.len - 2), '%', &zone);
    if (bare.len == 0 || bare.len >= sizeof text)
        return false;
    memcpy(text, bare.at, bare.len);
    text[bare.len] = '\0';
    if (inet_pton(AF_INET, text, ip) == 1)
        return !address_is_public4(ip);
    return inet_pton(AF_INET6, text, ip) == 1 && !address_is_public6(ip);
}

static bool url_check(struct hook *hook, struct err *e)
{
    char *scheme = NULL, *host = NULL;
    CURLU *url = curl_url();
    CHECK(url != NULL);
    CURLUcode wrong = curl_url_set(url, CURLUPART_URL, hook->url, CURLU_NON_SUPPORT_SCHEME);
    if (!wrong)
        wrong = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    if (!wrong)
        wrong = curl_url_get(url, CURLUPART_HOST, &host, 0);
    bool is_good = !wrong;
    if (wrong)
        err_code(e, EXIT_CODE_CONFIG, "[webhooks] %s.url: %s", hook->name,
                 curl_url_strerror(wrong));
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        is_good = err_code(e, EXIT_CODE_CONFIG, "[webhooks] %s.url: it must be http or https",
                           hook->name);
    else
        hook->is_refused = !hook->allow_private && is_private(str_of(host));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return is_good;
}

bool hooks_read(struct hooks *h, const struct config *c, struct err *e)
{
    struct reading r = {h, e, true};
    config_section(c, "webhooks", take, &r);
    for (size_t i = 0; i < h->n && r.is_good; i++) {
        struct hook *hook = &h->at[i];
        if (!hook->url)
            r.is_good =
                err_code(e, EXIT_CODE_CONFIG, "[webhooks] %s.url is not set", hook->name);
        else if (!hook->has_key)
            r.is_good =
                err_code(e, EXIT_CODE_CONFIG, "[webhooks] %s.secret is not set", hook->name);
        else
            r.is_good = url_check(hook, e);
    }
    return r.is_good;
}

void hooks_fini(struct hooks *h)
{
    for (size_t i = 0; i < h->n; i++) {
        free(h->at[i].name);
        free(h->at[i].url);
    }
    free(h->at);
    *h = (struct hooks){0};
}
