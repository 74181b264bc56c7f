// SPDX-License-Identifier: Apache-2.0
#include "ctl/ga4_export.h"

#include "common/base/clock.h"
#include "common/wire/json_text.h"

#include <new>
#include <simdjson.h>

namespace dom = simdjson::dom;

struct ga4_export {
    dom::parser parser;
};

struct ga4_export *ga4_export_new(void)
{
    return new (std::nothrow) ga4_export();
}

void ga4_export_free(struct ga4_export *g)
{
    delete g;
}

namespace
{

struct str str_of_view(std::string_view v)
{
    return str_over(v.data(), v.size());
}

void key(struct buf *b, struct str name)
{
    if (b->at[b->len - 1] != '{')
        buf_byte(b, ',');
    json_put_str(b, name);
    buf_byte(b, ':');
}

// A scalar that tells something, as it stands.
void member(struct buf *b, const char *name, const dom::element &value)
{
    if (value.is_null() || (value.is_string() && std::string_view(value).empty()))
        return;
    key(b, str_of(name));
    if (value.is_string())
        json_put_str(b, str_of_view(value));
    else if (value.is_uint64())
        json_put_u64(b, uint64_t(value));
    else if (value.is_int64())
        json_put_i64(b, int64_t(value));
    else if (value.is_double())
        json_put_f64(b, double(value));
    else if (value.is_bool())
        buf_text(b, bool(value) ? "true" : "false");
    else
        buf_text(b, simdjson::minify(value).c_str());
}

// The same of a member of an object, when it is there.
void member_of(struct buf *b, const char *name, const dom::element &from, const char *path)
{
    dom::element value;
    if (from.at_pointer(path).get(value) == simdjson::SUCCESS)
        member(b, name, value);
}

bool whole(const dom::element &from, const char *path, uint64_t *number)
{
    dom::element value;
    if (from.at_pointer(path).get(value) != simdjson::SUCCESS)
        return false;
    if (value.is_string()) // BigQuery writes 64-bit integers as texts
        return str_u64(str_of_view(value), number);
    return value.get(*number) == simdjson::SUCCESS;
}

// The value of a parameter: the one of its four forms that is set.
bool parameter_value(const dom::element &parameter, dom::element *value)
{
    static const char *const forms[] = {"/value/string_value", "/value/int_value",
                                        "/value/double_value", "/value/float_value"};
    for (const char *form : forms)
        if (parameter.at_pointer(form).get(*value) == simdjson::SUCCESS && !value->is_null())
            return true;
    return false;
}

// Those of the page go to context.page; a parameter may stand once only.
const struct {
    const char *parameter, *member;
} page[] = {{"page_location", "url"}, {"page_title", "title"}, {"page_referrer", "referrer"}};

bool is_of_page(std::string_view name)
{
    for (const auto &p : page)
        if (name == p.parameter)
            return true;
    return false;
}

bool is_named(const dom::element &parameter, std::string_view name)
{
    std::string_view found;
    return parameter["key"].get(found) == simdjson::SUCCESS && found == name;
}

bool find_parameter(const dom::element &row, std::string_view name, dom::element *value)
{
    dom::array parameters;
    if (row["event_params"].get(parameters) != simdjson::SUCCESS)
        return false;
    for (dom::element parameter : parameters)
        if (is_named(parameter, name))
            return parameter_value(parameter, value);
    return false;
}

void put_page(struct buf *b, const dom::element &row)
{
    dom::element value;
    key(b, STR("page"));
    buf_byte(b, '{');
    for (const auto &p : page)
        if (find_parameter(row, p.parameter, &value))
            member(b, p.member, value);
    buf_byte(b, '}');
}

// device.category is collector's device; BigQuery's "smart tv" is no word of it and is kept
// out.
void put_context(struct buf *b, const dom::element &row)
{
    key(b, STR("context"));
    buf_byte(b, '{');
    put_page(b, row);
    member_of(b, "locale", row, "/device/language");
    key(b, STR("device"));
    buf_byte(b, '{');
    member_of(b, "type", row, "/device/category");
    member_of(b, "browser", row, "/device/web_info/browser");
    member_of(b, "os", row, "/device/operating_system");
    buf_byte(b, '}');
    key(b, STR("location"));
    buf_byte(b, '{');
    member_of(b, "country", row, "/geo/country");
    member_of(b, "region", row, "/geo/region");
    member_of(b, "city", row, "/geo/city");
    buf_byte(b, '}');
    key(b, STR("campaign"));
    buf_byte(b, '{');
    member_of(b, "source", row, "/collected_traffic_source/manual_source");
    member_of(b, "medium", row, "/collected_traffic_source/manual_medium");
    member_of(b, "name", row, "/collected_traffic_source/manual_campaign_name");
    buf_text(b, "}}");
}

// Whether one of the first `n` bears the name.
bool is_among(const dom::array &parameters, size_t n, std::string_view name)
{
    for (dom::element parameter : parameters) {
        if (n-- == 0)
            break;
        if (is_named(parameter, name))
            return true;
    }
    return false;
}

// The first of equal names counts, as BigQuery's own query by key has it.
void put_parameters(struct buf *b, const dom::element &row)
{
    dom::array parameters;
    dom::element value;
    size_t n = 0;
    if (row["event_params"].get(parameters) != simdjson::SUCCESS)
        return;
    for (dom::element parameter : parameters) {
        std::string_view name;
        if (parameter["key"].get(name) == simdjson::SUCCESS && !name.empty() &&
            !is_of_page(name) && !is_among(parameters, n, name) &&
            parameter_value(parameter, &value))
            member(b, std::string(name).c_str(), value);
        n++;
    }
}

// As params, whose names for session, language and campaign collector knows.
void put_params(struct buf *b, const dom::element &row)
{
    dom::element value;
    key(b, STR("params"));
    buf_byte(b, '{');
    put_parameters(b, row);
    if (!find_parameter(row, "transaction_id", &value))
        member_of(b, "transaction_id", row, "/ecommerce/transaction_id");
    if (!find_parameter(row, "value", &value))
        member_of(b, "value", row, "/ecommerce/purchase_revenue");
    if (!find_parameter(row, "items", &value))
        member_of(b, "items", row, "/items");
    buf_byte(b, '}');
}

// What the visitor has granted: "Yes" or "No"; "Unset" is as if nothing were told.
void put_consent(struct buf *b, const dom::element &row)
{
    static const struct {
        const char *path, *purpose;
    } purposes[] = {{"/privacy_info/analytics_storage", "analytics_storage"},
                    {"/privacy_info/ads_storage", "ad_storage"}};
    bool is_begun = false;
    for (const auto &p : purposes) {
        std::string_view said;
        if (row.at_pointer(p.path).get(said) != simdjson::SUCCESS ||
            (said != "Yes" && said != "No"))
            continue;
        if (!is_begun) {
            key(b, STR("consent"));
            buf_byte(b, '{');
        }
        is_begun = true;
        key(b, str_of(p.purpose));
        json_put_str(b, str_of_view(said));
    }
    if (is_begun)
        buf_byte(b, '}');
}

bool put_row(struct buf *b, const dom::element &row)
{
    uint64_t us;
    std::string_view name;
    char time[CLOCK_TEXT];
    if (row["event_name"].get(name) != simdjson::SUCCESS || name.empty() ||
        !whole(row, "/event_timestamp", &us) || us >= CLOCK_END_US)
        return false;
    clock_format((int64_t)us, time);
    buf_byte(b, '{');
    key(b, STR("type"));
    json_put_str(b, str_of_view(name));
    key(b, STR("timestamp"));
    json_put_str(b, str_of(time));
    member_of(b, "anonymousId", row, "/user_pseudo_id");
    member_of(b, "userId", row, "/user_id");
    key(b, STR("source"));
    json_put_str(b, STR("analytics"));
    put_consent(b, row);
    put_context(b, row);
    put_params(b, row);
    buf_byte(b, '}');
    return true;
}

} // namespace

bool ga4_export_row(struct ga4_export *g, struct str line, struct buf *json)
{
    dom::element row;
    if (g->parser.parse(line.at, line.len).get(row) != simdjson::SUCCESS || !row.is_object())
        return false;
    return put_row(json, row);
}
