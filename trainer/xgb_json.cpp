/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/xgb_json.h"

#include "common/base/err.h"
#include "common/kern/trees.h"
#include "common/wire/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace json = simdjson::ondemand;

namespace
{

[[noreturn]] void refuse(const std::string &why)
{
    throw std::runtime_error(why);
}

/* XGBoost writes each float32 with the fewest digits that give it back, if they are read as a
 * float32: by way of a double some would be rounded twice. */
float number_of(std::string_view text)
{
    float value = 0;
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n'))
        text.remove_suffix(1);
    auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    bool is_whole = read.ptr == text.data() + text.size();
    /* Out of range below is a denormal that this library will not name; strtof does. */
    if (read.ec == std::errc::result_out_of_range && is_whole)
        return std::strtof(std::string(text).c_str(), nullptr);
    if (read.ec != std::errc() || !is_whole || !std::isfinite(value))
        refuse("not a number: " + std::string(text.substr(0, 40)));
    return value;
}

std::vector<float> floats_of(json::value array)
{
    std::vector<float> out;
    for (auto item : array.get_array())
        out.push_back(number_of(item.raw_json_token()));
    return out;
}

std::vector<int64_t> integers_of(json::value array)
{
    std::vector<int64_t> out;
    for (auto item : array.get_array())
        out.push_back(item.get_int64());
    return out;
}

struct columns {
    std::vector<int64_t> left, right, split_index, default_left, split_type;
    std::vector<float> condition;
};

columns columns_of(json::object tree)
{
    columns c;
    for (auto field : tree) {
        std::string_view key = field.unescaped_key();
        if (key == "left_children")
            c.left = integers_of(field.value());
        else if (key == "right_children")
            c.right = integers_of(field.value());
        else if (key == "split_indices")
            c.split_index = integers_of(field.value());
        else if (key == "default_left")
            c.default_left = integers_of(field.value());
        else if (key == "split_type")
            c.split_type = integers_of(field.value());
        else if (key == "split_conditions")
            c.condition = floats_of(field.value());
    }
    size_t n = c.left.size();
    if (n == 0 || c.right.size() != n || c.split_index.size() != n || c.condition.size() != n ||
        c.default_left.size() != n)
        refuse("a tree's columns are missing or differ in length");
    for (int64_t type : c.split_type)
        if (type != 0)
            refuse("a tree splits by category, which is not supported");
    return c;
}

/* Renumbers level by level from the root, which also leaves deleted nodes behind. A node that
 * is reached twice would make the walk longer than there are nodes. */
void put_tree(struct buf *nodes, const columns &c)
{
    std::vector<size_t> order{0};
    for (size_t i = 0; i < order.size(); i++) {
        size_t id = order[i];
        struct tree_node node = {0, 0, c.condition[id]};
        if (c.left[id] >= 0) {
            size_t n = c.left.size();
            auto left = static_cast<size_t>(c.left[id]),
                 right = static_cast<size_t>(c.right[id]);
            if (left >= n || right >= n || order.size() + 2 > n)
                refuse("a tree's children are not a tree");
            if (c.split_index[id] < 0 || c.split_index[id] >= TREES_FEATURES_MAX)
                refuse("a tree asks for feature " + std::to_string(c.split_index[id]));
            node.left = static_cast<uint32_t>(order.size());
            node.feature = static_cast<uint32_t>(c.split_index[id]) |
                           (c.default_left[id] ? TREE_DEFAULT_LEFT : 0);
            order.push_back(left);
            order.push_back(right);
        }
        buf_put(nodes, &node, sizeof node);
    }
}

/* `what` is what people call it. */
void expect_text(json::object object, const char *key, const char *what, const char *value)
{
    std::string_view text = object.find_field_unordered(key).get_string();
    if (text != value)
        refuse(std::string(what) + " is \"" + std::string(text.substr(0, 40)) +
               "\", but only \"" + value + "\" is supported");
}

void read_trees(struct xgb_trees *t, json::object model)
{
    json::object params = model.find_field_unordered("gbtree_model_param").get_object();
    expect_text(params, "num_parallel_tree", "num_parallel_tree", "1");
    for (auto tree : model.find_field_unordered("trees").get_array()) {
        auto start = static_cast<uint32_t>(t->nodes.len / sizeof(struct tree_node));
        buf_put(&t->starts, &start, sizeof start);
        put_tree(&t->nodes, columns_of(tree.get_object()));
        t->n_trees++;
    }
    auto end = static_cast<uint32_t>(t->nodes.len / sizeof(struct tree_node));
    buf_put(&t->starts, &end, sizeof end);
}

/* Numbers stand as text here. The margin is computed as in XGBoost's LogisticRegression::
 * ProbToMargin, in float32. */
void read_params(struct xgb_trees *t, json::object params)
{
    expect_text(params, "num_class", "num_class", "0");
    expect_text(params, "num_target", "num_target", "1");
    std::string_view text = params.find_field_unordered("base_score").get_string();
    if (text.size() > 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2); /* one for each target, from 3.1 on */
    float score = number_of(text);
    if (!(score > 0 && score < 1))
        refuse("base_score is not a probability");
    t->base = -logf(1.0f / score - 1.0f);
    float n = number_of(params.find_field_unordered("num_feature").get_string());
    if (!(n >= 1 && n <= float(TREES_FEATURES_MAX)))
        refuse("num_feature is not from 1 to 1024");
    t->n_features = static_cast<uint32_t>(n);
}

/* A model that was trained without names has an empty list, or none. */
void read_names(struct xgb_trees *t, json::object learner)
{
    json::array names;
    if (learner.find_field_unordered("feature_names").get_array().get(names) !=
        simdjson::SUCCESS)
        return;
    for (auto item : names) {
        std::string_view name = item.get_string();
        if (name.empty() || name.size() > 200 || name.find('\0') != std::string_view::npos)
            refuse("a name of a feature is empty, too long or no text");
        buf_put(&t->names, name.data(), name.size());
        buf_byte(&t->names, 0);
        if (++t->n_names > t->n_features)
            break;
    }
    if (t->n_names != 0 && t->n_names != t->n_features)
        refuse("it names another number of features than the " + std::to_string(t->n_features) +
               " it has");
}

/* Both of XGBoost's forms begin with a brace; in the binary one a length follows. */
void expect_json(struct str text)
{
    struct str body = str_trim(text);
    if (body.len == 0 || body.at[0] != '{')
        refuse("this is no JSON; save_model writes it to a file whose name ends in .json");
    if (body.len > 1 && memchr(body.at, 0, std::min<size_t>(body.len, 16)) != nullptr)
        refuse(
            "this is XGBoost's binary form; save_model writes JSON to a file whose name ends "
            "in .json");
    if (!json_is_valid(body)) /* simdjson's lazy walk asserts on some such */
        refuse("this is no whole JSON text");
}

void read_model(struct xgb_trees *t, struct str text)
{
    expect_json(text);
    simdjson::padded_string padded(text.at, text.len);
    json::parser parser;
    auto document = parser.iterate(padded);
    json::object learner = document["learner"].get_object();
    expect_text(learner.find_field_unordered("objective").get_object(), "name", "the objective",
                "binary:logistic");
    read_params(t, learner.find_field_unordered("learner_model_param").get_object());
    json::object booster = learner.find_field_unordered("gradient_booster").get_object();
    expect_text(booster, "name", "the booster", "gbtree");
    read_trees(t, booster.find_field_unordered("model").get_object());
    read_names(t, learner);
}

} // namespace

extern "C" bool xgb_json_read(struct xgb_trees *t, struct str json, struct err *e)
{
    try {
        *t = xgb_trees{};
        read_model(t, json);
        return true;
    } catch (const std::exception &why) { /* simdjson's own errors are of this kind too */
        xgb_trees_fini(t);
        return err_set(e, 0, "XGBoost's model: %s", why.what());
    }
}

extern "C" void xgb_trees_fini(struct xgb_trees *t)
{
    buf_fini(&t->nodes);
    buf_fini(&t->starts);
    buf_fini(&t->names);
    *t = xgb_trees{};
}
