// SPDX-License-Identifier: Apache-2.0
#include "collector/expressions.h"

#include "collector/atoms.h"

#include <algorithm>
#include <re2/filtered_re2.h>
#include <re2/re2.h>
#include <string>
#include <vector>

namespace
{

// Of each expression, its program and the states that it finds on the way. With 256 KiB RE2
// takes all of uap-core's, and was faster over its tests than with more: less memory is
// touched.
const int64_t memory_max = 256 * 1024;

bool is_ascii(struct str s)
{
    return std::all_of(s.at, s.at + s.len,
                       [](char c) { return static_cast<signed char>(c) >= 0; });
}

} // namespace

struct expressions {
    re2::FilteredRE2 filter;
    struct atoms *atoms = nullptr;
    bool is_ascii = true; // all expressions
    std::string lower;
    std::vector<int> found, every, candidates;
};

struct expressions *expressions_new(void)
{
    return new expressions;
}

void expressions_free(struct expressions *x)
{
    if (!x)
        return;
    atoms_free(x->atoms);
    delete x;
}

bool expressions_add(struct expressions *x, struct str expression, bool is_nocase)
{
    int number = 0;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(!is_nocase);
    options.set_max_mem(memory_max);
    re2::StringPiece text(expression.at, expression.len);
    if (x->filter.Add(text, options, &number) != RE2::NoError)
        return false;
    x->is_ascii = x->is_ascii && is_ascii(expression);
    return true;
}

void expressions_end(struct expressions *x)
{
    std::vector<std::string> words;
    std::vector<struct str> texts;
    CHECK(x->filter.NumRegexps() > 0);
    x->filter.Compile(&words);
    texts.reserve(words.size());
    for (const std::string &word : words)
        texts.push_back(str_over(word.data(), word.size()));
    x->atoms = atoms_new(texts.data(), texts.size());
    x->found.resize(texts.size());
    for (int i = 0; i < x->filter.NumRegexps(); i++)
        x->every.push_back(i);
}

// The filter's words are in lower case. Beyond ASCII there are two letters that an expression
// of ASCII letters matches regardless of case: the long s and the sign for kelvin.
static void make_lower(std::string &lower, struct str text)
{
    lower.clear();
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = str_over(text.at + i, text.len - i);
        char c = text.at[i];
        if (str_starts(rest, STR("\xc5\xbf"))) {
            lower.push_back('s');
            i += 1;
        } else if (str_starts(rest, STR("\xe2\x84\xaa"))) {
            lower.push_back('k');
            i += 2;
        } else {
            lower.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c | 32 : c));
        }
    }
}

size_t expressions_candidates(struct expressions *x, struct str text, const int **numbers)
{
    if (!x->is_ascii && !is_ascii(text)) { // other letters may have other cases: try all
        *numbers = x->every.data();
        return x->every.size();
    }
    make_lower(x->lower, text);
    x->found.resize(x->found.capacity());
    size_t n =
        atoms_find(x->atoms, str_over(x->lower.data(), x->lower.size()), x->found.data());
    x->found.resize(n);
    x->candidates.clear();
    x->filter.AllPotentials(x->found, &x->candidates);
    *numbers = x->candidates.data();
    return x->candidates.size();
}

bool expressions_match(const struct expressions *x, int number, struct str text,
                       struct str *groups, size_t n)
{
    re2::StringPiece pieces[EXPRESSION_GROUPS];
    re2::StringPiece whole(text.at, text.len);
    const RE2 &re = x->filter.GetRE2(number);
    int n_asked = 1 + std::min(static_cast<int>(n) - 1, re.NumberOfCapturingGroups());
    CHECK(n >= 1 && n <= EXPRESSION_GROUPS);
    if (!re.Match(whole, 0, text.len, RE2::UNANCHORED, pieces, n_asked))
        return false;
    for (size_t i = 0; i < n; i++)
        groups[i] = str_over(pieces[i].data(), pieces[i].size());
    return true;
}
