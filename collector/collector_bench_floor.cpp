// SPDX-License-Identifier: Apache-2.0
#include "collector/collector_bench_floor.h"

#include "common/wire/json_walk.hpp"

namespace od = simdjson::ondemand;

namespace
{

bool sum_value(od::value v, uint64_t *sum);

bool sum_object(od::object object, uint64_t *sum)
{
    for (auto result : object) {
        std::string_view key;
        if (result.error())
            return false;
        od::field field = result.value_unsafe();
        if (field.unescaped_key().get(key) || !sum_value(field.value(), sum))
            return false;
        *sum += key.size();
    }
    return true;
}

bool sum_array(od::array array, uint64_t *sum)
{
    for (auto result : array)
        if (result.error() || !sum_value(result.value_unsafe(), sum))
            return false;
    return true;
}

bool sum_value(od::value v, uint64_t *sum)
{
    od::json_type type;
    std::string_view text;
    double number;
    bool flag;
    if (v.type().get(type))
        return false;
    switch (type) {
    case od::json_type::object: {
        od::object object;
        return !v.get_object().get(object) && sum_object(object, sum);
    }
    case od::json_type::array: {
        od::array array;
        return !v.get_array().get(array) && sum_array(array, sum);
    }
    case od::json_type::string:
        if (v.get_string().get(text))
            return false;
        *sum += text.size();
        return true;
    case od::json_type::number:
        if (v.get_double().get(number))
            return false;
        *sum += (uint64_t)number;
        return true;
    case od::json_type::boolean:
        if (v.get_bool().get(flag))
            return false;
        *sum += flag;
        return true;
    case od::json_type::null:
        return !v.is_null().error();
    }
    return false;
}

} // namespace

uint64_t floor_sum(struct str text)
{
    static od::parser parser;
    od::document document;
    od::object object;
    uint64_t sum = 0;
    if (parser.iterate(text.at, text.len, text.len + simdjson::SIMDJSON_PADDING)
            .get(document) ||
        document.get_object().get(object) || !sum_object(object, &sum))
        return 0;
    return sum;
}
