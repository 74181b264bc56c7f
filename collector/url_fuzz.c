/* SPDX-License-Identifier: Apache-2.0 */
/* Two lines of any bytes as the address of a page and its referrer: parts lie within the
 * address, texts are UTF-8 and no longer than what they stand for, and the event has one of the
 * channels. */
#include "collector/channel.h"
#include "collector/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool is_within(struct str part, struct str whole)
{
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check_text(struct str s, size_t most)
{
    CHECK(s.len <= most && str_is_utf8(s));
    CHECK(s.len == 0 || memchr(s.at, 0, s.len) == NULL);
}

static void check_parts(struct str address, struct arena *a)
{
    struct str name, value, text, rest = url_query(address), host = url_host(address);
    CHECK(is_within(rest, address) && is_within(host, address));
    CHECK(is_within(url_path(address), address) && host.len <= URL_HOST_MAX);
    while (url_next(&rest, &name, &value)) {
        CHECK(name.len > 0 && is_within(name, address) && is_within(value, address));
        if (url_text(value, a, &text)) {
            CHECK(text.len > 0);
            check_text(text, value.len);
        }
    }
}

static void check_event(const struct event *e)
{
    static const char *const channels[] = {
        "",      "direct",  "organic",   "paid_search", "paid_social", "social",
        "email", "display", "affiliate", "referral",    "other"};
    bool is_one = false;
    for (size_t i = 0; i < ARRAY_LEN(channels); i++)
        is_one |= str_is(e->channel, channels[i]);
    CHECK(is_one && e->referrer_domain.len <= URL_HOST_MAX);
    check_text(e->utm_source, e->url.len);
    check_text(e->utm_medium, e->url.len);
    check_text(e->utm_campaign, e->url.len);
    check_text(e->utm_term, e->url.len);
    check_text(e->utm_content, e->url.len);
    for (size_t i = 0; i < e->referrer_domain.len; i++)
        CHECK(e->referrer_domain.at[i] < 'A' || e->referrer_domain.at[i] > 'Z');
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct arena arena;
    struct event e;
    event_init(&e);
    e.url = str_cut(str_over(at, len), '\n', &e.referrer);
    arena_reset(&arena);
    check_parts(e.url, &arena);
    check_parts(e.referrer, &arena);
    channel_settle(&e, &arena);
    check_event(&e);
    return 0;
}
