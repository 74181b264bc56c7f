/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/retail.h"

#include "common/base/csv.h"
#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

enum column {
    COLUMN_INVOICE,
    COLUMN_STOCK,
    COLUMN_NAME,
    COLUMN_QUANTITY,
    COLUMN_DATE,
    COLUMN_PRICE,
    COLUMN_CUSTOMER,
    COLUMN_COUNTRY,
    COLUMNS_N
};

static const char *const column_names[COLUMNS_N] = {"InvoiceNo",  "StockCode",   "Description",
                                                    "Quantity",   "InvoiceDate", "UnitPrice",
                                                    "CustomerID", "Country"};

/* The names of countries in the file that are those of one country. */
static const struct {
    const char *name, *code;
} countries[] = {
    {"Australia", "AU"},
    {"Austria", "AT"},
    {"Bahrain", "BH"},
    {"Belgium", "BE"},
    {"Brazil", "BR"},
    {"Canada", "CA"},
    {"Cyprus", "CY"},
    {"Czech Republic", "CZ"},
    {"Denmark", "DK"},
    {"EIRE", "IE"},
    {"Finland", "FI"},
    {"France", "FR"},
    {"Germany", "DE"},
    {"Greece", "GR"},
    {"Hong Kong", "HK"},
    {"Iceland", "IS"},
    {"Israel", "IL"},
    {"Italy", "IT"},
    {"Japan", "JP"},
    {"Lebanon", "LB"},
    {"Lithuania", "LT"},
    {"Malta", "MT"},
    {"Netherlands", "NL"},
    {"Norway", "NO"},
    {"Poland", "PL"},
    {"Portugal", "PT"},
    {"RSA", "ZA"},
    {"Saudi Arabia", "SA"},
    {"Singapore", "SG"},
    {"Spain", "ES"},
    {"Sweden", "SE"},
    {"Switzerland", "CH"},
    {"USA", "US"},
    {"United Arab Emirates", "AE"},
    {"United Kingdom", "GB"},
};

/* Money in ten-thousandths, which every price of the file is a whole number of. */
#define E4 INT64_C(10000)
static const int64_t most_each = 1000000000; /* of a quantity, and of a price's pounds */

/* One line. */
struct row {
    struct str texts[COLUMNS_N];
    int64_t quantity, price_e4, ts_us;
};

/* An invoice that is being read, one line after another. */
struct invoice {
    struct event *event;
    struct arena *arena;
    struct buf *items;
    struct str number, customer; /* customer: empty = none */
    int64_t total_e4;
    size_t n, n_stock;  /* lines; those that a stock adjustment is made of */
    size_t first_below; /* the first line with a quantity below zero; 0 = none */
};

bool retail_is_header(struct str line)
{
    struct str fields[COLUMNS_N];
    return csv_split(line, fields, COLUMNS_N) == COLUMNS_N &&
           str_is(fields[COLUMN_INVOICE], column_names[COLUMN_INVOICE]) &&
           str_is(fields[COLUMN_STOCK], column_names[COLUMN_STOCK]);
}

/* "-12.5" as -125000; at most four decimals. */
static bool price_read(struct str text, int64_t *e4)
{
    struct str decimals;
    bool is_below = str_starts(text, STR("-"));
    struct str whole =
        str_cut(str_over(text.at + is_below, text.len - is_below), '.', &decimals);
    uint64_t pounds, parts = 0;
    if (!str_u64(whole, &pounds) || pounds > (uint64_t)most_each || decimals.len > 4)
        return false;
    if (decimals.at && !str_u64(decimals, &parts))
        return false;
    for (size_t i = decimals.len; i < 4; i++)
        parts *= 10;
    *e4 = (int64_t)pounds * E4 + (int64_t)parts;
    *e4 = is_below ? -*e4 : *e4;
    return true;
}

static struct str unless_missing(struct str s)
{
    return str_is(s, "NA") ? (struct str){NULL, 0} : s;
}

/* Digits, with one letter before them at most. */
static bool number_is_sound(struct str number)
{
    uint64_t digits;
    bool has_letter = number.len > 0 && (number.at[0] == 'C' || number.at[0] == 'A');
    return number.len <= 20 &&
           str_u64(str_over(number.at + has_letter, number.len - has_letter), &digits);
}

static void put_item(struct buf *items, struct str id, struct str name, int64_t quantity,
                     int64_t price_e4)
{
    buf_text(items, items->len == 0 ? "[{\"product_id\":" : ",{\"product_id\":");
    json_put_str(items, id);
    if (name.len > 0) {
        buf_text(items, ",\"name\":");
        json_put_str(items, name);
    }
    buf_text(items, ",\"quantity\":");
    json_put_i64(items, quantity);
    buf_text(items, ",\"price\":");
    json_put_f64(items, (double)price_e4 / (double)E4);
    buf_byte(items, '}');
}

/* The column that is not as it should be, or NULL. */
static const char *row_read(struct row *r, struct str line, struct arena *arena)
{
    if (csv_split(line, r->texts, COLUMNS_N) != COLUMNS_N)
        return "not 8 columns";
    for (size_t i = 0; i < COLUMNS_N; i++)
        r->texts[i] = csv_text(r->texts[i], arena);
    if (!number_is_sound(r->texts[COLUMN_INVOICE]))
        return column_names[COLUMN_INVOICE];
    if (r->texts[COLUMN_STOCK].len == 0 || r->texts[COLUMN_STOCK].len > ID_MAX)
        return column_names[COLUMN_STOCK];
    if (!str_i64(r->texts[COLUMN_QUANTITY], &r->quantity) || r->quantity > most_each ||
        r->quantity < -most_each)
        return column_names[COLUMN_QUANTITY];
    if (!clock_parse(r->texts[COLUMN_DATE], &r->ts_us))
        return column_names[COLUMN_DATE];
    if (!price_read(r->texts[COLUMN_PRICE], &r->price_e4))
        return column_names[COLUMN_PRICE];
    r->texts[COLUMN_CUSTOMER] = unless_missing(r->texts[COLUMN_CUSTOMER]);
    return r->texts[COLUMN_CUSTOMER].len > ID_MAX ? column_names[COLUMN_CUSTOMER] : NULL;
}

/* Why the line can't belong to the invoice, or NULL. */
static const char *row_check(const struct invoice *v, const struct row *r)
{
    char letter = v->number.at[0];
    if (!str_eq(r->texts[COLUMN_INVOICE], v->number))
        return "InvoiceNo is another";
    if (!str_eq(r->texts[COLUMN_CUSTOMER], v->customer))
        return "CustomerID is another";
    if (r->price_e4 < 0 && letter != 'A')
        return "UnitPrice below zero";
    if (r->quantity >= 0 && letter == 'C')
        return "Quantity of a refund not below zero";
    return NULL;
}

static void begin(struct invoice *v, const struct row *r)
{
    v->number = r->texts[COLUMN_INVOICE];
    v->customer = r->texts[COLUMN_CUSTOMER];
    v->event->ts_us = r->ts_us;
    for (size_t i = 0; i < ARRAY_LEN(countries); i++)
        if (str_is(r->texts[COLUMN_COUNTRY], countries[i].name))
            v->event->country = str_of(countries[i].code);
}

static const char *add(struct invoice *v, struct str line)
{
    struct row r;
    int64_t amount_e4;
    const char *fault = row_read(&r, line, v->arena);
    if (!fault && v->n == 1)
        begin(v, &r);
    if (!fault)
        fault = row_check(v, &r);
    if (fault)
        return fault;
    if (__builtin_mul_overflow(r.quantity, r.price_e4, &amount_e4) ||
        __builtin_add_overflow(v->total_e4, amount_e4, &v->total_e4))
        return "the sum is out of range";
    bool is_below = r.quantity < 0;
    v->n_stock += is_below && r.price_e4 == 0 && v->customer.len == 0;
    if (is_below && v->first_below == 0)
        v->first_below = v->n;
    put_item(v->items, r.texts[COLUMN_STOCK], unless_missing(r.texts[COLUMN_NAME]), r.quantity,
             r.price_e4);
    return NULL;
}

/* The type of the whole; NULL for a sale with a quantity below zero. */
static const char *type_of(const struct invoice *v)
{
    if (v->number.at[0] == 'C')
        return "refund";
    if (v->number.at[0] == 'A')
        return "bad_debt_adjustment";
    if (v->n_stock == v->n)
        return "stock_adjustment";
    return v->first_below == 0 ? "purchase" : NULL;
}

/* To the cent, halves away from zero. */
static double pounds_of(int64_t e4)
{
    const int64_t cent = E4 / 100;
    int64_t rest = e4 % cent, cents = e4 / cent;
    cents += rest >= cent / 2 ? 1 : rest <= -cent / 2 ? -1 : 0;
    return (double)cents / 100;
}

static enum reason refuse(const struct invoice *v, enum reason why, size_t line,
                          const char *what, const char **detail)
{
    enum { LONGEST = 96 };
    char *text = arena_take(v->arena, LONGEST);
    (void)snprintf(text, LONGEST, "line %zu of the invoice: %s", line, what);
    *detail = text;
    return why;
}

/* A line that holds what no text of ours may. */
static enum reason check_bytes(struct str line)
{
    if (!str_is_utf8(line))
        return REASON_bad_utf8;
    return line.len > 0 && memchr(line.at, 0, line.len) ? REASON_nul_in_string : REASON_NONE;
}

static enum reason add_all(struct invoice *v, struct str lines, const char **detail)
{
    struct str rest = lines;
    do {
        struct str line = str_cut(rest, '\n', &rest);
        v->n++;
        enum reason why = check_bytes(line);
        if (why != REASON_NONE)
            return refuse(v, why, v->n, "its bytes", detail);
        const char *fault = add(v, line);
        if (fault)
            return refuse(v, REASON_bad_row, v->n, fault, detail);
        if (v->items->len >= RETAIL_ITEMS_MAX) {
            *detail = "items of more than 192 KiB";
            return REASON_too_large;
        }
    } while (rest.at);
    buf_byte(v->items, ']');
    return REASON_NONE;
}

static struct str id_of(struct arena *arena, struct str before, struct str number)
{
    char *id = arena_take(arena, before.len + number.len);
    memcpy(id, before.at, before.len);
    memcpy(id + before.len, number.at, number.len);
    return str_over(id, before.len + number.len);
}

static void set_arrival(struct event *e, const struct arrival *a, struct arena *arena)
{
    enum { LONGEST = 64 };
    POSITION_SET(e, &a->position);
    e->received_us = a->received_us;
    e->site_id = a->site_id > 0 ? a->site_id : 1;
    e->source = STR("import");
    int64_t claimed_us = e->ts_us;
    e->ts_us = times_import((struct claim){claimed_us, true}, a->received_us);
    if (e->ts_us != claimed_us)
        e->ts_raw_us = claimed_us;
    char *id = arena_take(arena, LONGEST);
    int len = snprintf(id, LONGEST, "i%" PRIx64 "-%" PRIu64, a->position.import_id,
                       a->position.offset);
    e->event_id = str_over(id, (size_t)len);
}

enum reason retail_read(struct event *e, struct str lines, const struct arrival *a,
                        struct arena *arena, struct buf *items, const char **detail)
{
    struct invoice v = {.event = e, .arena = arena, .items = items};
    event_init(e);
    buf_reset(items);
    *detail = "an invoice of more than 256 KiB";
    if (lines.len > RETAIL_MAX)
        return REASON_too_large;
    enum reason why = add_all(&v, lines, detail);
    if (why != REASON_NONE)
        return why;
    const char *type = type_of(&v);
    if (!type)
        return refuse(&v, REASON_bad_row, v.first_below, "Quantity of a sale below zero",
                      detail);
    *detail = "";
    e->type = str_of(type);
    e->value = pounds_of(v.total_e4);
    e->currency = STR("GBP");
    e->order_id = v.number;
    e->items = buf_as_str(items);
    e->user_id = v.customer;
    if (v.customer.len == 0)
        e->anonymous_id = id_of(arena, STR("invoice-"), v.number);
    e->visitor = visitor_key(e->anonymous_id, e->user_id);
    e->body_hash = hash64_str(lines);
    set_arrival(e, a, arena);
    return REASON_NONE;
}
