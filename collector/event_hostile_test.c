/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and broken events, in JSON and msgpack, with the reason each gets; each comes back in
 * rejected byte by byte, and the core goes on. */
#include "collector/collector_kit.h"
#include "collector/draft.h"
#include "common/wire/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define TRACK(more) "{\"type\":\"track\",\"event\":\"click\",\"anonymousId\":\"a\"" more "}"
#define PROP(json)  TRACK(",\"properties\":{\"p\":" json "}")
#define OF(type, properties) \
    "{\"type\":\"" type "\",\"userId\":\"u\",\"properties\":{" properties "}}"

struct hostile {
    const char *what;
    struct str bytes;
    enum reason why; /* REASON_NONE: is to be taken */
};
#define CASE(what, text, why)                          \
    {                                                  \
        what, {(text), sizeof(text) - 1}, REASON_##why \
    }

static const struct hostile jsons[] = {
    CASE("the pattern of all that follow", TRACK(""), NONE),
    CASE("blanks around", " \n\t" TRACK("") "\r\n ", NONE),
    CASE("nothing", "", malformed),
    CASE("blanks only", "   ", malformed),
    CASE("a brace", "{", malformed),
    CASE("a closing brace", "}", malformed),
    CASE("text", "hello", malformed),
    CASE("a number", " 5", not_an_object),
    CASE("a string", " \"x\"", not_an_object),
    CASE("an array", " [{\"type\":\"page\"}]", not_an_object),
    CASE("null", " null", not_an_object),
    CASE("an array without end", " [1", malformed),
    CASE("BOM", "\xef\xbb\xbf" TRACK(""), malformed),
    CASE("BOM of UTF-16", "\xff\xfe{\0", bad_utf8),
    CASE("a second event behind", TRACK("") TRACK(""), malformed),
    CASE("a letter behind", TRACK("") "x", malformed),
    CASE("a brace behind", TRACK("") "}", malformed),
    CASE("a NUL behind", TRACK("") "\0", malformed),
    CASE("cut in a key", "{\"type\":\"track\",\"ev", malformed),
    CASE("cut in a value", "{\"type\":\"tra", malformed),
    CASE("no colon", "{\"type\" \"track\"}", malformed),
    CASE("a string as key of a string", "{\"a\":\"b\":1,\"type\":\"track\"}", malformed),
    CASE("comma at the end", TRACK(","), malformed),
    CASE("comma at the start", "{,\"type\":\"page\"}", malformed),
    CASE("two commas", "{\"type\":\"page\",,\"anonymousId\":\"a\"}", malformed),
    CASE("key without quotes", "{type:\"page\"}", malformed),
    CASE("key that is a number", "{1:2}", malformed),
    CASE("single quotes", "{'type':'page'}", malformed),
    CASE("a comment", TRACK("/* x */"), malformed),
    CASE("wrong bracket", PROP("[1}"), malformed),
    CASE("wrong brace", PROP("{\"a\":1]"), malformed),
    CASE("01", PROP("01"), malformed),
    CASE("-01", PROP("-01"), malformed),
    CASE("1.", PROP("1."), malformed),
    CASE(".5", PROP(".5"), malformed),
    CASE("+1", PROP("+1"), malformed),
    CASE("0x10", PROP("0x10"), malformed),
    CASE("1e", PROP("1e"), malformed),
    CASE("NaN", PROP("NaN"), malformed),
    CASE("Infinity", PROP("-Infinity"), malformed),
    CASE("1 2", PROP("1 2"), malformed),
    CASE("True", PROP("True"), malformed),
    CASE("truex", PROP("truex"), malformed),
    CASE("nul", PROP("nul"), malformed),
    CASE("nothing as value", PROP(""), malformed),
    CASE("01 within an unknown array", PROP("[[{\"x\":01}]]"), malformed),
    CASE("control character in a string", PROP("\"a\nb\""), malformed),
    CASE("control character in a key", TRACK(",\"properties\":{\"a\tb\":1}"), malformed),
    CASE("unknown escape", PROP("\"\\x41\""), malformed),
    CASE("unknown escape in an unknown object", PROP("{\"k\":[\"\\q\"]}"), malformed),
    CASE("short \\u", PROP("\"\\u12\""), malformed),
    CASE("escape cut", PROP("\"\\"), malformed),
    CASE("bad UTF-8", PROP("\"\xff\""), bad_utf8),
    CASE("overlong UTF-8", PROP("\"\xc0\xaf\""), bad_utf8),
    CASE("surrogate in UTF-8", PROP("\"\xed\xa0\x80\""), bad_utf8),
    CASE("UTF-8 cut", PROP("\"\xe2\x82\""), bad_utf8),
    CASE("bad UTF-8 in a key", TRACK(",\"properties\":{\"\xff\":1}"), bad_utf8),
    CASE("lone high surrogate", PROP("\"\\ud83d\""), bad_utf8),
    CASE("lone low surrogate", PROP("\"\\ude00\""), bad_utf8),
    CASE("high surrogate twice", PROP("\"\\ud83d\\ud83d\""), bad_utf8),
    CASE("lone surrogate in a key", TRACK(",\"properties\":{\"\\ud83d\":1}"), bad_utf8),
    CASE("lone surrogate deep in the unknown", PROP("[{\"a\":[\"\\udfff\"]}]"), bad_utf8),
    CASE("a pair of surrogates", PROP("\"\\ud83d\\ude00\""), NONE),
    CASE("\\u0000", PROP("\"a\\u0000b\""), nul_in_string),
    CASE("\\u0000 in a key", TRACK(",\"properties\":{\"\\u0000\":1}"), nul_in_string),
    CASE("\\u0000 in an id", "{\"type\":\"page\",\"anonymousId\":\"\\u0000\"}", nul_in_string),
    CASE("\\u0000 deep in the unknown", PROP("{\"x\":[[\"\\u0000\"]]}"), nul_in_string),
    CASE("a key twice", TRACK(",\"type\":\"track\""), duplicate_key),
    CASE("a key twice, once escaped", TRACK(",\"typ\\u0065\":\"track\""), duplicate_key),
    CASE("an unknown key twice", TRACK(",\"x\":1,\"x\":1"), duplicate_key),
    CASE("a property twice", TRACK(",\"properties\":{\"a\":1,\"a\":2}"), duplicate_key),
    CASE("a known property twice", TRACK(",\"properties\":{\"price\":1,\"price\":1}"),
         duplicate_key),
    CASE("a key twice deep", PROP("[{\"b\":{\"c\":1,\"d\":2,\"c\":3}}]"), duplicate_key),
    CASE("a key twice in context", TRACK(",\"context\":{\"ip\":1,\"ip\":1}"), duplicate_key),
    CASE("the empty key twice", PROP("{\"\":1,\"\":2}"), duplicate_key),
    CASE("two properties", TRACK(",\"properties\":{},\"properties\":{}"), duplicate_key),
    CASE("one key in two objects", PROP("[{\"a\":1},{\"a\":{\"a\":1}}]"), NONE),
    CASE("1e999", PROP("1e999"), number_out_of_range),
    CASE("-1e400", PROP("-1e400"), number_out_of_range),
    CASE("1e-400", PROP("1e-400"), number_out_of_range),
    CASE("0e9999999999", PROP("0e9999999999"), number_out_of_range),
    CASE("2^64", PROP("18446744073709551616"), number_out_of_range),
    CASE("-2^63-1", PROP("-9223372036854775809"), number_out_of_range),
    CASE("2^64-1", PROP("18446744073709551615"), NONE),
    CASE("2^53+1", PROP("9007199254740993"), NONE),
    CASE("1e308", PROP("1e308"), NONE),
    CASE("1e999 as a price", TRACK(",\"properties\":{\"price\":1e999}"), number_out_of_range),
    CASE("no type", "{\"anonymousId\":\"a\"}", no_type),
    CASE("track without event", "{\"type\":\"track\",\"anonymousId\":\"a\"}", no_type),
    CASE("empty type", "{\"type\":\"\",\"anonymousId\":\"a\"}", no_type),
    CASE("null type", "{\"type\":null,\"anonymousId\":\"a\"}", no_type),
    CASE("a type of digits", "{\"type\":\"1click\",\"anonymousId\":\"a\"}", bad_type),
    CASE("a type with an accent", "{\"type\":\"caf\xc3\xa9\",\"anonymousId\":\"a\"}", bad_type),
    CASE("51 letters",
         "{\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"anonymousId\":"
         "\"a\"}",
         bad_type),
    CASE("a type that is an object", "{\"type\":{},\"anonymousId\":\"a\"}", bad_field),
    CASE("no visitor", "{\"type\":\"page\"}", no_visitor),
    CASE("empty ids", "{\"type\":\"page\",\"anonymousId\":\"\",\"userId\":null}", no_visitor),
    CASE("an id that is an object", "{\"type\":\"page\",\"userId\":{}}", bad_field),
    CASE("an id that is a flag", "{\"type\":\"page\",\"userId\":true}", bad_field),
    CASE("a numeric id", "{\"type\":\"page\",\"userId\":123}", NONE),
    CASE("properties that are an array", TRACK(",\"properties\":[]"), bad_field),
    CASE("context that is text", TRACK(",\"context\":\"x\""), bad_field),
    CASE("null context", TRACK(",\"context\":null"), NONE),
    CASE("a price that is text", OF("product_view", "\"price\":\"much\""), bad_field),
    CASE("a price that is text, of a type without one",
         TRACK(",\"properties\":{\"price\":\"much\"}"), NONE),
    CASE("a price of 1e400, of a type without one", TRACK(",\"properties\":{\"price\":1e400}"),
         number_out_of_range),
    CASE("a price in quotes", TRACK(",\"properties\":{\"price\":\"9.90\"}"), NONE),
    CASE("a price below 0", OF("product_view", "\"price\":-1"), bad_value),
    CASE("6 stars", OF("rating_submitted", "\"rating\":6"), bad_value),
    CASE("101 percent", OF("scroll", "\"depth_pct\":101"), bad_value),
    CASE("NaN in quotes as a price", OF("product_view", "\"price\":\"NaN\""), bad_field),
    CASE("Infinity in quotes", OF("purchase", "\"value\":\"Infinity\""), bad_field),
    CASE("1e400 in quotes", OF("purchase", "\"value\":\"1e400\""), bad_field),
    CASE("NaN in quotes where nothing asks", PROP("\"NaN\""), NONE),
    CASE("1e400 in quotes where nothing asks", PROP("\"1e400\""), NONE),
    CASE("a price of 1e15", TRACK(",\"properties\":{\"price\":1e15}"), NONE),
    CASE("a price above 1e15", OF("product_view", "\"price\":1.1e15"), bad_value),
    CASE("a price of no known money",
         TRACK(",\"properties\":{\"price\":1,\"currency\":\"gold\"}"), NONE),
    CASE("a currency that is an object", OF("purchase", "\"currency\":{}"), bad_field),
    CASE("a place of a click below all screens", TRACK(",\"properties\":{\"x\":-2e6}"),
         bad_value),
    CASE("1e400 as a place", TRACK(",\"properties\":{\"x\":1e400}"), number_out_of_range),
    CASE("a word as a place", TRACK(",\"properties\":{\"x\":\"left\"}"), bad_field),
    CASE("time before 1970 by its offset",
         TRACK(",\"timestamp\":\"1970-01-01T00:00:00+02:00\""), bad_timestamp),
    CASE("time of 1969", TRACK(",\"timestamp\":\"1969-12-31T00:00:00Z\""), bad_timestamp),
    CASE("the year 2100", TRACK(",\"timestamp\":\"2100-01-01T00:00:00Z\""), NONE),
    CASE("the year 10000", TRACK(",\"timestamp\":253402300800000"), bad_timestamp),
    CASE("the year 10000 by an offset", TRACK(",\"sentAt\":\"9999-12-31T23:59:59-00:01\""),
         bad_timestamp),
    CASE("the year 10000 in microseconds", TRACK(",\"timestamp_micros\":253402300800000000"),
         bad_timestamp),
    CASE("microseconds below 0", TRACK(",\"timestamp_micros\":-1"), bad_timestamp),
    CASE("half a microsecond", TRACK(",\"timestamp_micros\":0.5"), bad_timestamp),
    CASE("a mask of 17 bits", TRACK(",\"consent\":65536"), bad_value),
    CASE("one name in properties and params",
         TRACK(",\"properties\":{\"a\":1},\"params\":{\"a\":2}"), duplicate_key),
    CASE("one field in properties and params",
         TRACK(",\"properties\":{\"price\":1},\"params\":{\"price\":2}"), NONE),
    CASE("params that are text", TRACK(",\"params\":\"x\""), bad_field),
    CASE("items that are text", OF("purchase", "\"items\":\"x\""), bad_field),
    CASE("site 0", TRACK(",\"site_id\":0"), bad_site),
    CASE("site -1", TRACK(",\"site_id\":-1"), bad_site),
    CASE("site 2^31", TRACK(",\"site_id\":2147483648"), bad_site),
    CASE("site 1.5", TRACK(",\"siteId\":1.5"), bad_site),
    CASE("site of letters", TRACK(",\"siteId\":\"shop\""), bad_site),
    CASE("no time", TRACK(",\"timestamp\":\"yesterday\""), bad_timestamp),
    CASE("30 February", TRACK(",\"timestamp\":\"2026-02-30T00:00:00Z\""), bad_timestamp),
    CASE("time below 0", TRACK(",\"timestamp\":-5"), bad_timestamp),
    CASE("time far off", TRACK(",\"timestamp\":1e300"), bad_timestamp),
    CASE("2^64-1 ms", TRACK(",\"ts\":18446744073709551615"), bad_timestamp),
    CASE("a flag as time", TRACK(",\"timestamp\":true"), bad_timestamp),
    CASE("sentAt that is none", TRACK(",\"sentAt\":\"now\""), bad_timestamp),
    CASE("form before content", TRACK(",\"site_id\":0,\"x\":1,\"x\":1"), duplicate_key),
    CASE("a batch that is an object", TRACK(",\"batch\":{}"), bad_field),
    CASE("a batch under an escaped key", "{\"b\\u0061tch\":[" TRACK("") "]}", bad_field),
    CASE("a batch without end", "{\"batch\":[" TRACK(""), malformed),
    CASE("a batch with a hole", "{\"batch\":[,]}", malformed),
};

/* msgpack pieces: map of 3 with type and anonymousId, the third member to follow */
#define M_PAGE "\xa4type\xa4page"
#define M_ANON        \
    "\xab"            \
    "anonymousId\xa1" \
    "a"
#define M_EVENT(member) "\x83" M_PAGE M_ANON member
#define M_X(value)      M_EVENT("\xaaproperties\x81\xa1x" value)

static const struct hostile msgpacks[] = {
    CASE("the pattern of all that follow", "\x82" M_PAGE M_ANON, NONE),
    CASE("23 bytes that claim 256 GiB",
         "\xdf\xff\xff\xff\xff\xa1x\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff"
         "\xc0",
         malformed),
    CASE("a map that claims 2^32-1", "\xdf\xff\xff\xff\xff", malformed),
    CASE("an array that claims 2^32-1", M_X("\xdd\xff\xff\xff\xff"), malformed),
    CASE("a str that claims 2^32-1", M_X("\xdb\xff\xff\xff\xff"), malformed),
    CASE("a bin that claims 2^32-1", M_X("\xc6\xff\xff\xff\xff"), malformed),
    CASE("an ext that claims 2^32-1", M_X("\xc9\xff\xff\xff\xff\x01"), malformed),
    CASE("an empty map", "\x80", no_type),
    CASE("a map without its members", "\x82" M_PAGE, malformed),
    CASE("a key without its value", "\x83" M_PAGE M_ANON "\xa1x", malformed),
    CASE("cut in a number", M_X("\xcf\x00\x00"), malformed),
    CASE("the byte never used", M_X("\xc1"), malformed),
    CASE("bytes behind", "\x82" M_PAGE M_ANON "\xc0", malformed),
    CASE("a second event behind", "\x82" M_PAGE M_ANON "\x80", malformed),
    CASE("a key that is a number", M_EVENT("\x05\x05"), malformed),
    CASE("a key that is nil", M_EVENT("\xc0\x05"), malformed),
    CASE("a key that is bin", M_EVENT("\xc4\x01x\x05"), malformed),
    CASE("a key twice", M_EVENT(M_PAGE), duplicate_key),
    CASE("a key twice, in two widths", M_EVENT("\xd9\x04type\xa4page"), duplicate_key),
    CASE("an unknown key twice deep", M_X("\x91\x82\xa1k\x01\xa1k\x02"), duplicate_key),
    CASE("bad UTF-8", M_X("\xa1\xff"), bad_utf8),
    CASE("surrogate in UTF-8", M_X("\x91\xa3\xed\xa0\x80"), bad_utf8),
    CASE("bad UTF-8 in a key", M_X("\x81\xa1\xff\x01"), bad_utf8),
    CASE("U+0000",
         M_X("\xa3"
             "a\0b"),
         nul_in_string),
    CASE("U+0000 in a key", M_X("\x81\xa1\0\x01"), nul_in_string),
    CASE("a NaN", M_X("\xcb\x7f\xf8\0\0\0\0\0\0"), number_out_of_range),
    CASE("an infinity", M_X("\xca\x7f\x80\0\0"), number_out_of_range),
    CASE("a NaN as a price", M_EVENT("\xaaproperties\x81\xa5price\xca\x7f\xc0\0\0"),
         number_out_of_range),
    CASE("-infinity as a price", M_EVENT("\xaaproperties\x81\xa5price\xcb\xff\xf0\0\0\0\0\0\0"),
         number_out_of_range),
    CASE("a price below 0",
         "\x83\xa4type\xacproduct_view" M_ANON "\xaaproperties\x81\xa5price\xff", bad_value),
    CASE("a price below 0, of a page", M_EVENT("\xaaproperties\x81\xa5price\xff"), NONE),
    CASE("2^64-1", M_X("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), NONE),
    CASE("-2^63", M_X("\xd3\x80\0\0\0\0\0\0\0"), NONE),
    CASE("a bin", M_X("\xc4\x01x"), bad_field),
    CASE("an ext", M_X("\xd4\x01x"), bad_field),
    CASE("an ext deep", M_X("\x91\x91\xd6\xff\0\0\0\0"), bad_field),
    CASE("a bin as id",
         "\x82" M_PAGE "\xab"
         "anonymousId\xc4\x01x",
         bad_field),
    CASE("a map as id",
         "\x82" M_PAGE "\xab"
         "anonymousId\x80",
         bad_field),
    CASE("context that is an array",
         M_EVENT("\xa7"
                 "context\x90"),
         bad_field),
    CASE("site 0", M_EVENT("\xa7site_id\x00"), bad_site),
    CASE("time below 0", M_EVENT("\xa2ts\xff"), bad_timestamp),
    CASE("no visitor", "\x81" M_PAGE, no_visitor),
};

static void run(const struct hostile *cases, size_t n)
{
    struct kit k;
    struct event e;
    kit_open(&k);
    for (size_t i = 0; i < n; i++) {
        const char *why = kit_event(&k, cases[i].bytes, &e);
        if (strcmp(why, reason_text(cases[i].why)) != 0)
            fail_msg("%s: is '%s', should be '%s'", cases[i].what, why,
                     reason_text(cases[i].why));
        if (cases[i].why == REASON_NONE)
            continue;
        union record_any r;
        uint64_t rec;
        k.next = outbox_first(k.out);
        const struct output *o = kit_next(&k, &r, &rec);
        assert_true(o->topic == TOPIC_rejected && rec == REC_rejected);
        assert_true(str_eq(r.rejected.body, cases[i].bytes));
        assert_true(r.rejected.origin == ORIGIN_RAW && r.rejected.index == 0);
        assert_int_equal(r.rejected.offset, k.offset - 1);
        assert_null(kit_next(&k, &r, &rec));
    }
    kit_close(&k);
}

static void each_json_gets_its_reason(void **state)
{
    (void)state;
    run(jsons, ARRAY_LEN(jsons));
}

static void each_msgpack_gets_its_reason(void **state)
{
    (void)state;
    run(msgpacks, ARRAY_LEN(msgpacks));
}

static void expect(struct kit *k, struct buf *b, enum reason why)
{
    struct event e;
    assert_string_equal(kit_event(k, buf_as_str(b), &e), reason_text(why));
    buf_reset(b);
}

static void put_times(struct buf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_text(b, text);
}

static void put_page(struct buf *b)
{
    buf_text(b, "{\"type\":\"page\",\"anonymousId\":\"a\",");
}

/* The event's own object and properties are two of the 32. */
static void depth_is_bounded(void **state)
{
    static const struct {
        size_t n;
        enum reason why;
    } cases[] = {{30, REASON_NONE}, {31, REASON_too_deep}, {10000, REASON_too_deep}};
    (void)state;
    struct kit k;
    struct buf b = {0};
    kit_open(&k);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put_page(&b);
        buf_text(&b, "\"properties\":{\"x\":");
        put_times(&b, "[", cases[i].n);
        put_times(&b, "]", cases[i].n);
        buf_text(&b, "}}");
        expect(&k, &b, cases[i].why);
        out_map(&b, 3);
        buf_put(&b, M_PAGE M_ANON, sizeof(M_PAGE M_ANON) - 1);
        buf_text(&b, "\xaaproperties\x81\xa1x");
        put_times(&b, "\x91", cases[i].n);
        buf_byte(&b, 0xc0);
        expect(&k, &b, cases[i].why);
    }
    put_page(&b);
    buf_text(&b, "\"x\":");
    put_times(&b, "{\"a\":", 5000);
    expect(&k, &b, REASON_malformed);
    put_times(&b, "[", 1000000);
    expect(&k, &b, REASON_too_large);
    put_times(&b, "\x91", 1000000);
    expect(&k, &b, REASON_too_large);
    kit_close(&k);
    buf_fini(&b);
}

static void sizes_are_bounded(void **state)
{
    static const struct {
        const char *type, *member;
        size_t n;
        enum reason why;
    } cases[] = {
        {"page", "userId", ID_MAX, REASON_NONE},
        {"page", "userId", ID_MAX + 1, REASON_bad_field},
        {"page", "messageId", ID_MAX + 1, REASON_bad_field},
        {"page", "url", TEXT_MAX, REASON_NONE},
        {"help_request", "query", TEXT_MAX + 1, REASON_bad_field},
        {"product_view", "brand", TEXT_MAX + 1, REASON_bad_field},
        {"page_view", "brand", TEXT_MAX + 1, REASON_NONE}, /* a property */
        {"page_view", "brand", PROPERTIES_MAX, REASON_bad_field},
        {"page", "title", 20000, REASON_NONE},
        {"page", "user_agent", 20000, REASON_NONE},
        {"page", "unknown", EVENT_MAX, REASON_too_large},
    };
    (void)state;
    struct kit k;
    struct buf b = {0};
    kit_open(&k);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_printf(&b, "{\"type\":\"%s\",\"anonymousId\":\"a\",\"%s\":\"", cases[i].type,
                   cases[i].member);
        put_times(&b, "x", cases[i].n);
        buf_text(&b, "\"}");
        expect(&k, &b, cases[i].why);
    }
    for (size_t n = PROPERTIES_MAX - 8; n <= PROPERTIES_MAX - 7; n++) { /* {"x":""} is 8 */
        put_page(&b);
        buf_text(&b, "\"properties\":{\"x\":\"");
        put_times(&b, "y", n);
        buf_text(&b, "\"}}");
        expect(&k, &b, n == PROPERTIES_MAX - 8 ? REASON_NONE : REASON_bad_field);
    }
    kit_close(&k);
    buf_fini(&b);
}

static void many_keys_take_no_longer_than_they_are(void **state)
{
    (void)state;
    struct kit k;
    struct buf b = {0};
    kit_open(&k);
    put_page(&b);
    buf_text(&b, "\"context\":{\"k\":0");
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(&b, ",\"k%u\":0", i);
    buf_text(&b, "}}");
    expect(&k, &b, REASON_too_large);
    put_page(&b); /* 2,800 keys, which fit, in one object and in many */
    buf_text(&b, "\"context\":{\"k\":0");
    for (unsigned i = 0; i < 2800; i++)
        buf_printf(&b, ",\"k%u\":0", i);
    buf_text(&b, "}}");
    expect(&k, &b, REASON_NONE);
    put_page(&b);
    buf_text(&b, "\"context\":{\"k\":[0");
    put_times(&b, ",{\"k\":0}", 3500);
    buf_text(&b, "]}}");
    expect(&k, &b, REASON_NONE);
    put_page(&b);
    buf_text(&b, "\"context\":{\"k2799\":0");
    for (unsigned i = 0; i < 2800; i++)
        buf_printf(&b, ",\"k%u\":0", i);
    buf_text(&b, "}}");
    expect(&k, &b, REASON_duplicate_key);
    kit_close(&k);
    buf_fini(&b);
}

static void every_cut_is_refused(void **state)
{
    static const char json[] = TRACK(",\"properties\":{\"price\":1.5,\"x\":[{\"y\":null}]}");
    static const char msgpack[] = M_X("\x92\x81\xa1y\xc0\xcb\x3f\xf8\0\0\0\0\0\0");
    (void)state;
    struct kit k;
    struct event e;
    kit_open(&k);
    for (size_t len = 0; len + 1 < sizeof json; len++)
        assert_string_equal(kit_event(&k, str_over(json, len), &e), "malformed");
    for (size_t len = 0; len + 1 < sizeof msgpack; len++)
        assert_string_equal(kit_event(&k, str_over(msgpack, len), &e), "malformed");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_json_gets_its_reason),
        cmocka_unit_test(each_msgpack_gets_its_reason),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(many_keys_take_no_longer_than_they_are),
        cmocka_unit_test(every_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
