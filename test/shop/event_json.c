/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/event_json.h"

#define SITE_URL "https://shop.example"

static const char *const event_names[N_ACTIONS] = {
    [ACTION_MAIL] = "campaign_opened",
    [ACTION_SEARCH] = "search_performed",
    [ACTION_FILTER] = "filter_applied",
    [ACTION_SORT] = "sort_changed",
    [ACTION_PRODUCT] = "product_view",
    [ACTION_SCROLL] = "scroll",
    [ACTION_CLICK] = "click",
    [ACTION_VIDEO] = "video_play",
    [ACTION_WISH] = "wishlist_add",
    [ACTION_ADD] = "add_to_cart",
    [ACTION_REMOVE] = "remove_from_cart",
    [ACTION_CHECKOUT] = "checkout_start",
    [ACTION_PAY_OK] = "payment_success",
    [ACTION_PAY_FAIL] = "payment_failed",
    [ACTION_PURCHASE] = "purchase",
    [ACTION_SIGNUP] = "signup",
    [ACTION_SUBSCRIBE] = "subscription",
    [ACTION_ERROR] = "error",
    [ACTION_RAGE] = "rage_click",
    [ACTION_HELP] = "help_request",
    [ACTION_TICKET] = "support_ticket",
};

static const struct origin {
    const char *referrer, *source, *medium; /* medium NULL: no campaign */
} origins[N_SOURCES] = {
    [SOURCE_DIRECT] = {"", NULL, NULL},
    [SOURCE_ORGANIC] = {"https://www.google.com/", NULL, NULL},
    [SOURCE_PAID_SEARCH] = {"https://www.google.com/", "google", "cpc"},
    [SOURCE_PAID_SOCIAL] = {"https://www.facebook.com/", "facebook", "paid_social"},
    [SOURCE_SOCIAL] = {"https://www.instagram.com/", "instagram", "social"},
    [SOURCE_EMAIL] = {"", "newsletter", "email"},
    [SOURCE_DISPLAY] = {"https://ads.example.net/", "adnet", "display"},
    [SOURCE_AFFILIATE] = {"https://deals.example.org/", "dealsite", "affiliate"},
    [SOURCE_REFERRAL] = {"https://blog.example.org/reviews", NULL, NULL},
};

static const char *const campaigns[] = {"spring_sale", "new_arrivals", "brand", "last_chance"};

#define KHTML "AppleWebKit/537.36 (KHTML, like Gecko) "
static const char *const agents[N_DEVICES][4] = {
    [DEVICE_DESKTOP] =
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " KHTML "Chrome/124.0.0.0 Safari/537.36",
         "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) "
         "Version/17.4 Safari/605.1.15",
         "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
         "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " KHTML
         "Chrome/124.0.0.0 Safari/537.36 Edg/124.0.0.0"},
    [DEVICE_MOBILE] =
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
         "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
         "Mozilla/5.0 (Linux; Android 14; Pixel 8) " KHTML
         "Chrome/124.0.0.0 Mobile Safari/537.36",
         "Mozilla/5.0 (Linux; Android 13; SM-S911B) " KHTML
         "SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
         "Mozilla/5.0 (Android 14; Mobile; rv:125.0) Gecko/125.0 Firefox/125.0"},
    [DEVICE_TABLET] = {"Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
                       "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
                       "Mozilla/5.0 (Linux; Android 13; SM-X710) " KHTML
                       "Chrome/124.0.0.0 Safari/537.36",
                       "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 "
                       "(KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
                       "Mozilla/5.0 (Linux; Android 12; Lenovo TB-J606F) " KHTML
                       "Chrome/123.0.0.0 Safari/537.36"},
};
static const unsigned screens[N_DEVICES][2] = {{1920, 1080}, {390, 844}, {820, 1180}};

static const struct {
    const char *language, *zone;
} locales[] = {{"en-GB", "Europe/London"},
               {"de-DE", "Europe/Berlin"},
               {"fr-FR", "Europe/Paris"},
               {"en-US", "America/New_York"}};

static void uuid(uint64_t high, uint64_t low, char out[EVENT_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    high = (high & ~UINT64_C(0xf000)) | 0x4000; /* version 4, variant 1 (RFC 9562) */
    low = low << 2 >> 2 | UINT64_C(1) << 63;
    char *at = out;
    for (unsigned i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            *at++ = '-';
        *at++ = digits[(i < 16 ? high >> (60 - 4 * i) : low >> (124 - 4 * i)) & 15];
    }
    *at = '\0';
}

static uint64_t step_bits(const struct session *s, size_t i, unsigned purpose, uint64_t *more)
{
    CHECK(i < 1 << 20);
    struct rng r = rng_stream(s->salt, (s->number << 20 | i) << 8 | purpose);
    uint64_t bits = rng_u64(&r);
    *more = rng_u64(&r);
    return bits;
}

void event_id(const struct session *s, size_t i, char out[EVENT_ID_SIZE])
{
    uint64_t low, high = step_bits(s, i, 4, &low);
    uuid(high, low, out);
}

void event_visitor(const struct visitor *v, char out[EVENT_ID_SIZE])
{
    uuid(v->id[0], v->id[1], out);
}

static void put_path(struct buf *out, const struct step *step)
{
    if (step->action == ACTION_SEARCH) {
        buf_text(out, "/search");
        return;
    }
    switch (step->after.place) {
    case PLACE_LISTING:
        buf_printf(out, "/c/%s", catalogue_categories[step->category].path);
        return;
    case PLACE_PRODUCT:
        buf_printf(out, "/p/p-%03u", (unsigned)step->product);
        return;
    case PLACE_CONTENT:
        buf_printf(out, "/guides/%s", catalogue_categories[step->category].path);
        return;
    case PLACE_ACCOUNT:
        buf_text(out, "/account");
        return;
    case PLACE_BASKET:
        buf_text(out, "/cart");
        return;
    case PLACE_CHECKOUT:
    case PLACE_PAID:
        buf_text(out, "/checkout");
        return;
    case PLACE_THANKS:
        buf_text(out, "/checkout/thanks");
        return;
    case PLACE_START:
    case PLACE_MAIL:
    case PLACE_HOME:
    case PLACE_EXIT:
    case N_PLACES:
        break;
    }
    buf_text(out, "/");
}

static const char *title_of(const struct step *step)
{
    static const char *const titles[N_PLACES] = {
        [PLACE_HOME] = "Home",         [PLACE_LISTING] = "Category",
        [PLACE_PRODUCT] = "Product",   [PLACE_CONTENT] = "Guide",
        [PLACE_ACCOUNT] = "Account",   [PLACE_BASKET] = "Cart",
        [PLACE_CHECKOUT] = "Checkout", [PLACE_PAID] = "Checkout",
        [PLACE_THANKS] = "Thank you",
    };
    enum place place = step->after.place;
    CHECK(place < N_PLACES);
    return titles[place] ? titles[place] : "";
}

static void put_product(struct buf *out, const struct product *p, unsigned quantity)
{
    const struct category *c = &catalogue_categories[p->category];
    buf_printf(
        out,
        "\"product_id\":\"p-%03u\",\"name\":\"%s %s %u\",\"category\":\"%s\",\"brand\":\"%s\","
        "\"price\":%u.%02u,\"quantity\":%u",
        p->number, catalogue_brands[p->brand], c->noun, p->number, c->path,
        catalogue_brands[p->brand], p->cents / 100, p->cents % 100, quantity);
}

static void put_value(struct buf *out, const struct step *step, const struct product *products)
{
    unsigned cents = 0;
    for (unsigned i = 0; i < step->n_lines; i++)
        cents += products[step->lines[i].product].cents * step->lines[i].quantity;
    buf_printf(out, "\"value\":%u.%02u,\"currency\":\"EUR\"", cents / 100, cents % 100);
}

static void put_order(struct buf *out, const struct session *s, size_t i,
                      const struct product *products)
{
    uint64_t more, order = step_bits(s, i, 5, &more);
    buf_printf(out, "\"order_id\":\"o-%012llx\",", (unsigned long long)order >> 16);
    put_value(out, &s->steps[i], products);
}

static void put_items(struct buf *out, const struct step *step, const struct product *products)
{
    buf_text(out, ",\"items\":[");
    for (unsigned i = 0; i < step->n_lines; i++) {
        buf_text(out, i ? ",{" : "{");
        put_product(out, &products[step->lines[i].product], step->lines[i].quantity);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

static void put_commerce(struct buf *out, const struct session *s, size_t i,
                         const struct product *products)
{
    const struct step *step = &s->steps[i];
    bool counts = step->action == ACTION_ADD || step->action == ACTION_REMOVE;
    if (step->action == ACTION_PURCHASE) {
        put_order(out, s, i, products);
        put_items(out, step, products);
    } else if (step->action == ACTION_PAY_OK) {
        put_order(out, s, i + 1, products); /* the purchase follows at once */
    } else if (step->action == ACTION_PAY_FAIL || step->action == ACTION_CHECKOUT) {
        put_value(out, step, products);
        if (step->action == ACTION_CHECKOUT)
            put_items(out, step, products);
        else
            buf_text(out, ",\"code\":\"card_declined\"");
    } else {
        put_product(out, &products[step->product], counts ? step->amount : 1);
    }
}

static void put_properties(struct buf *out, const struct session *s, size_t i,
                           const struct product *products)
{
    static const char *const filters[] = {"price", "brand", "rating", "colour"};
    const struct step *step = &s->steps[i];
    unsigned amount = step->amount;
    const struct category *c = &catalogue_categories[step->category];
    switch (step->action) {
    case ACTION_PRODUCT:
    case ACTION_WISH:
    case ACTION_ADD:
    case ACTION_REMOVE:
    case ACTION_CHECKOUT:
    case ACTION_PAY_OK:
    case ACTION_PAY_FAIL:
    case ACTION_PURCHASE:
        put_commerce(out, s, i, products);
        return;
    case ACTION_MAIL:
        buf_printf(out, "\"campaign\":\"%s\",\"channel\":\"email\"",
                   campaigns[s->campaign % ARRAY_LEN(campaigns)]);
        return;
    case ACTION_SEARCH:
        buf_printf(out, "\"query\":\"%s\",\"results\":%u", c->noun, amount);
        return;
    case ACTION_FILTER:
        buf_printf(out, "\"filter\":\"%s\",\"category\":\"%s\"",
                   filters[amount % ARRAY_LEN(filters)], c->path);
        return;
    case ACTION_SORT:
        buf_printf(out, "\"by\":\"%s\"", amount % 2 ? "price_asc" : "newest");
        return;
    case ACTION_SCROLL:
        buf_printf(out, "\"depth_pct\":%u", amount);
        return;
    case ACTION_CLICK:
    case ACTION_RAGE:
        buf_printf(out, "\"element\":\"#e%u\",\"x\":%u,\"y\":%u", amount % 17, amount % 390,
                   amount * 7 % 844);
        return;
    case ACTION_VIDEO:
        buf_printf(out, "\"video_id\":\"v-%03u\",\"length_s\":%u", (unsigned)step->product,
                   amount);
        return;
    case ACTION_SUBSCRIBE:
        buf_text(out, "\"plan\":\"plus\",\"value\":4.99,\"currency\":\"EUR\"");
        return;
    case ACTION_SIGNUP:
        buf_text(out, "\"method\":\"email\"");
        return;
    case ACTION_ERROR:
        buf_printf(out, "\"code\":\"%s\"", amount % 3 ? "http_500" : "js_type_error");
        return;
    case ACTION_HELP:
    case ACTION_TICKET:
        buf_printf(out, "\"topic\":\"%s\"", amount % 2 ? "delivery" : "returns");
        return;
    case ACTION_EXIT:
    case ACTION_HOME:
    case ACTION_LISTING:
    case ACTION_CONTENT:
    case ACTION_ACCOUNT:
    case ACTION_BASKET:
    case ACTION_LOGIN:
    case N_ACTIONS:
        break;
    }
}

/* The landing page keeps the outside referrer; every later page names the one before it. */
static void put_page(struct buf *out, const struct session *s, size_t i)
{
    const struct step *step = &s->steps[i];
    size_t from = i; /* the step before the page in sight was opened */
    while (from > 0 && s->steps[from].after.place == step->after.place)
        from--;
    buf_text(out, "\"page\":{\"url\":\"" SITE_URL);
    put_path(out, step);
    buf_text(out, "\",\"path\":\"");
    put_path(out, step);
    buf_printf(out, "\",\"title\":\"%s\",\"referrer\":\"", title_of(step));
    bool landed = s->steps[from].after.place == step->after.place ||
                  s->steps[from].after.place == PLACE_MAIL;
    if (landed) {
        buf_text(out, origins[s->source].referrer);
    } else {
        buf_text(out, SITE_URL);
        put_path(out, &s->steps[from]);
    }
    buf_text(out, "\"},");
}

static void put_context(struct buf *out, const struct session *s, size_t i)
{
    const struct visitor *v = &s->visitor;
    const struct origin *o = &origins[s->source];
    unsigned locale = v->locale % ARRAY_LEN(locales);
    buf_text(out, "\"context\":{");
    if (s->steps[i].after.place != PLACE_MAIL)
        put_page(out, s, i);
    if (o->medium)
        buf_printf(out,
                   "\"campaign\":{\"source\":\"%s\",\"medium\":\"%s\",\"name\":\"%s\","
                   "\"term\":\"\",\"content\":\"ad%u\"},",
                   o->source, o->medium, campaigns[s->campaign % ARRAY_LEN(campaigns)],
                   s->campaign / 8 % 3);
    /* addresses of the block for documentation (RFC 5737) */
    buf_printf(out,
               "\"userAgent\":\"%s\",\"locale\":\"%s\",\"timezone\":\"%s\","
               "\"screen\":{\"width\":%u,\"height\":%u},\"ip\":\"203.0.113.%u\"}",
               agents[v->device][v->agent % ARRAY_LEN(agents[0])], locales[locale].language,
               locales[locale].zone, screens[v->device][0], screens[v->device][1],
               (unsigned)(v->id[0] % 254 + 1));
}

static void put_kind(struct buf *out, const struct step *step)
{
    if (step->action == ACTION_LOGIN)
        buf_text(out, "\"type\":\"identify\"");
    else if (event_names[step->action])
        buf_printf(out, "\"type\":\"track\",\"event\":\"%s\"", event_names[step->action]);
    else
        buf_printf(out, "\"type\":\"page\",\"name\":\"%s\"", title_of(step));
}

void event_json(struct buf *out, const struct session *s, size_t i, int64_t ts_us,
                int64_t sent_us, const struct product *products)
{
    const struct step *step = &s->steps[i];
    char id[EVENT_ID_SIZE], visitor[EVENT_ID_SIZE], ts[CLOCK_TEXT], sent[CLOCK_TEXT];
    event_id(s, i, id);
    event_visitor(&s->visitor, visitor);
    clock_format(ts_us, ts);
    clock_format(sent_us, sent);
    buf_printf(out, "{\"messageId\":\"%s\",\"anonymousId\":\"%s\",", id, visitor);
    if (step->after.account >= ACCOUNT_IN)
        buf_printf(out, "\"userId\":\"u-%012llx\",",
                   (unsigned long long)s->visitor.id[1] >> 16);
    put_kind(out, step);
    buf_printf(out, ",\"timestamp\":\"%s\",\"sentAt\":\"%s\",\"properties\":{", ts, sent);
    put_properties(out, s, i, products);
    buf_text(out, "},");
    put_context(out, s, i);
    buf_text(out, ",\"site_id\":1}");
}

void event_json_ids(struct str event, char id[EVENT_ID_SIZE], char visitor[EVENT_ID_SIZE])
{
    static const char head[] = "{\"messageId\":\"", between[] = "\",\"anonymousId\":\"";
    const size_t id_at = sizeof(head) - 1;
    const size_t visitor_at = id_at + EVENT_ID_LEN + sizeof(between) - 1;
    CHECK(event.len > visitor_at + EVENT_ID_LEN && memcmp(event.at, head, id_at) == 0);
    CHECK(memcmp(event.at + id_at + EVENT_ID_LEN, between, sizeof(between) - 1) == 0);
    memcpy(id, event.at + id_at, EVENT_ID_LEN);
    memcpy(visitor, event.at + visitor_at, EVENT_ID_LEN);
    id[EVENT_ID_LEN] = visitor[EVENT_ID_LEN] = '\0';
}
