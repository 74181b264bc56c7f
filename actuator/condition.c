/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/condition.h"

#include "actuator/policy.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_IN, OPS_N };
enum { HOLDS = UINT16_MAX, FAILS = UINT16_MAX - 1, WHERE = 256, VALUES_MOST = 4096 };

union value {
    double number;
    struct str text;
    bool flag;
};

/* One comparison; `yes` and `no` name the leaf to go on with, always a later one, or the
 * answer. */
struct leaf {
    struct operand what;
    uint8_t op;
    uint16_t yes, no;
    uint32_t n_values;
    const union value *values;
};

enum node_kind { NODE_ALL, NODE_ANY, NODE_NOT, NODE_LEAF };
static const char *const group_names[] = {"all", "any", "not"};

/* A part of the tree, while it is read: in the order of the text, so parents stand before their
 * children. Leaves [first, after) belong to it. */
struct node {
    uint8_t kind;
    uint16_t first, after;
    uint32_t parent;
};

struct reader {
    struct cursor *at;
    struct err *e;
    struct buf nodes, leaves; /* struct node, struct leaf */
    uint32_t open[POLICY_DEPTH], n_children[POLICY_DEPTH];
    size_t depth;
    bool wants_features;
};

static struct node *node_at(const struct reader *r, uint32_t i)
{
    return (struct node *)(void *)r->nodes.at + i;
}

static uint16_t n_leaves(const struct reader *r)
{
    return (uint16_t)(r->leaves.len / sizeof(struct leaf));
}

const char *word_shown(struct str word, char out[SHOWN])
{
    struct str head = str_head_utf8(word, SHOWN - 8);
    (void)snprintf(out, SHOWN, "\"%.*s%s\"", STR_ARGS(head), head.len < word.len ? "..." : "");
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return out;
}

/* "when.all[2].not" */
static const char *where(const struct reader *r, char out[WHERE])
{
    int len = snprintf(out, WHERE, "when");
    for (size_t i = 0; i < r->depth && len < WHERE; i++) {
        const struct node *n = node_at(r, r->open[i]);
        len += n->kind == NODE_NOT ? snprintf(out + len, (size_t)(WHERE - len), ".not")
                                   : snprintf(out + len, (size_t)(WHERE - len), ".%s[%u]",
                                              group_names[n->kind], r->n_children[i]);
    }
    return out;
}

static bool refuse(const struct reader *r, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(const struct reader *r, const char *format, ...)
{
    char text[512], place[WHERE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_code(r->e, EXIT_CODE_CONFIG, "%s: %s", where(r, place), text);
}

/* The members of a comparison; tokens are empty where there was none. */
struct members {
    struct str kind, name, op, value;
    enum operand_kind operand;
};

static bool member_take(struct reader *r, struct members *m, struct str key, struct str value)
{
    static const char *const known[] = {"all",        "any",     "not", "fact",
                                        "prediction", "feature", "op",  "value"};
    char shown[SHOWN];
    struct str *to = NULL;
    if (str_is(key, "op"))
        to = &m->op;
    else if (str_is(key, "value"))
        to = &m->value;
    for (enum operand_kind k = OPERAND_FACT; k <= OPERAND_FEATURE; k++) {
        if (!str_is(key, operand_kind_name(k)))
            continue;
        if (m->name.len > 0)
            return refuse(r, "a comparison is of one thing, not of %s and %s",
                          operand_kind_name(m->operand), operand_kind_name(k));
        m->operand = k;
        to = &m->name;
    }
    for (size_t k = 0; k < ARRAY_LEN(group_names); k++)
        if (str_is(key, group_names[k]))
            return refuse(r, "beside \"%s\" nothing else may stand", group_names[k]);
    if (!to)
        return refuse(r, "unknown member %s; the nearest is \"%s\"", word_shown(key, shown),
                      word_nearest(key, known, ARRAY_LEN(known)));
    if (to->len > 0)
        return refuse(r, "\"%.*s\" stands twice", STR_ARGS(key));
    *to = value;
    return true;
}

static bool op_read(struct reader *r, const struct members *m, struct leaf *l)
{
    static const struct {
        const char *word;
        enum op op;
    } words[] = {{"=", OP_EQ},
                 {"!=", OP_NE},
                 {"<", OP_LT},
                 {"<=", OP_LE},
                 {">", OP_GT},
                 {">=", OP_GE},
                 {"in", OP_IN},
                 {"\xe2\x89\xa0", OP_NE},
                 {"\xe2\x89\xa4", OP_LE},
                 {"\xe2\x89\xa5", OP_GE}};
    static const char *const plain[] = {"=", "!=", "<", "<=", ">", ">=", "in"};
    char shown[SHOWN];
    struct str op;
    if (m->op.len == 0)
        return refuse(r, "\"op\" is missing");
    if (!cursor_unquote(m->op, r->at->arena, &op))
        return refuse(r, "op: must be a text, one of = != < <= > >= in");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_is(op, words[i].word))
            continue;
        l->op = (uint8_t)words[i].op;
        bool is_ordered = l->op != OP_EQ && l->op != OP_NE && l->op != OP_IN;
        if (l->what.type == VALUE_TEXT && is_ordered)
            return refuse(r, "op: a text can be asked by = != and in, not by %s",
                          words[i].word);
        if (l->what.type == VALUE_FLAG && (is_ordered || l->op == OP_IN))
            return refuse(r, "op: a flag can be asked by = and !=, not by %s", words[i].word);
        return true;
    }
    return refuse(r, "op: unknown operator %s; the nearest is %s", word_shown(op, shown),
                  word_nearest(op, plain, ARRAY_LEN(plain)));
}

static bool number_read(struct reader *r, const struct operand *what, struct str token,
                        double *out)
{
    if (token.len == 0 || strchr("-0123456789", token.at[0]) == NULL)
        return refuse(r, "value: must be a number, as what it is compared with");
    if (!str_f64(token, out))
        return refuse(r, "value: a number out of range");
    if (what->kind == OPERAND_FEATURE && fabs(*out) > (double)FLT_MAX)
        return refuse(r, "value: beyond what a feature can be (%g)", (double)FLT_MAX);
    if (what->kind == OPERAND_FEATURE)
        *out = (double)(float)*out;
    return true;
}

static bool value_read(struct reader *r, const struct operand *what, struct str token,
                       union value *to)
{
    if (what->type == VALUE_NUMBER)
        return number_read(r, what, token, &to->number);
    if (what->type == VALUE_TEXT)
        return cursor_unquote(token, r->at->arena, &to->text) ||
               refuse(r, "value: must be a text, as what it is compared with");
    to->flag = str_is(token, "true");
    return to->flag || str_is(token, "false") || refuse(r, "value: must be true or false");
}

static bool list_read(struct reader *r, struct str token, struct leaf *l, struct buf *values)
{
    struct cursor c = {token.at, token.at + token.len, r->at->arena};
    if (!cursor_take(&c, '['))
        return refuse(r, "value: behind \"in\" must be a list");
    if (cursor_peek(&c) == ']')
        return refuse(r, "value: the list is empty");
    do {
        union value v;
        if (values->len / sizeof v == VALUES_MOST)
            return refuse(r, "value: more than %d entries", VALUES_MOST);
        if (!value_read(r, &l->what, cursor_value(&c), &v))
            return false;
        buf_put(values, &v, sizeof v);
    } while (cursor_take(&c, ','));
    return true;
}

static bool values_read(struct reader *r, const struct members *m, struct leaf *l)
{
    struct buf values = {0};
    union value v;
    bool is_good = false;
    if (m->value.len == 0) {
        is_good = refuse(r, "\"value\" is missing");
    } else if (l->op == OP_IN) {
        is_good = list_read(r, m->value, l, &values);
    } else {
        is_good = value_read(r, &l->what, m->value, &v);
        if (is_good)
            buf_put(&values, &v, sizeof v);
    }
    l->n_values = (uint32_t)(values.len / sizeof v);
    if (is_good && values.len > 0) {
        union value *kept = arena_take(r->at->arena, values.len);
        memcpy(kept, values.at, values.len);
        l->values = kept;
    }
    buf_fini(&values);
    return is_good;
}

static bool leaf_make(struct reader *r, const struct members *m)
{
    char shown[SHOWN];
    const char *nearest = NULL;
    struct leaf l = {0};
    struct str name;
    if (m->name.len == 0)
        return refuse(r, "neither all, any, not nor fact, prediction or feature");
    if (!cursor_unquote(m->name, r->at->arena, &name))
        return refuse(r, "%s: must be a text, its name", operand_kind_name(m->operand));
    if (!operand_find(&l.what, m->operand, name, &nearest))
        return refuse(r, "unknown %s %s; the nearest is \"%s\"", operand_kind_name(m->operand),
                      word_shown(name, shown), nearest);
    if (!op_read(r, m, &l) || !values_read(r, m, &l))
        return false;
    if (n_leaves(r) == POLICY_LEAVES)
        return refuse(r, "more than %d comparisons", POLICY_LEAVES);
    r->wants_features |= m->operand == OPERAND_FEATURE;
    buf_put(&r->leaves, &l, sizeof l);
    return true;
}

static uint32_t node_add(struct reader *r, enum node_kind kind)
{
    struct node n = {.kind = (uint8_t)kind, .first = n_leaves(r)};
    n.parent = r->depth > 0 ? r->open[r->depth - 1] : 0;
    buf_put(&r->nodes, &n, sizeof n);
    return (uint32_t)(r->nodes.len / sizeof n) - 1;
}

/* The members of a comparison whose first key has been read, to its closing brace. */
static bool leaf_read(struct reader *r, struct str key)
{
    struct members m = {0};
    uint32_t node = node_add(r, NODE_LEAF);
    for (;;) {
        if (!member_take(r, &m, key, cursor_value(r->at)))
            return false;
        if (!cursor_take(r->at, ','))
            break;
        if (!cursor_key(r->at, &key))
            return refuse(r, "a key that is no text");
    }
    CHECK(cursor_take(r->at, '}'));
    if (!leaf_make(r, &m))
        return false;
    node_at(r, node)->after = n_leaves(r);
    return true;
}

/* Closes what ends here; false when a further child follows, or on a fault (`*is_bad`). */
static bool close_groups(struct reader *r, bool *is_bad)
{
    *is_bad = false;
    for (; r->depth > 0; r->depth--) {
        struct node *n = node_at(r, r->open[r->depth - 1]);
        if (n->kind != NODE_NOT && cursor_take(r->at, ',')) {
            r->n_children[r->depth - 1]++;
            return false;
        }
        if (n->kind != NODE_NOT)
            CHECK(cursor_take(r->at, ']'));
        n->after = n_leaves(r);
        if (!cursor_take(r->at, '}')) {
            *is_bad = true;
            r->depth--;
            return refuse(r, "beside \"%s\" nothing else may stand", group_names[n->kind]);
        }
    }
    return true;
}

/* Opens a group or reads a comparison: the cursor stands before a condition. */
static bool open_or_leaf(struct reader *r, bool *is_leaf)
{
    struct str key;
    *is_leaf = false;
    if (!cursor_take(r->at, '{'))
        return refuse(r, "must be an object");
    if (cursor_peek(r->at) == '}')
        return refuse(r, "neither all, any, not nor fact, prediction or feature");
    if (!cursor_key(r->at, &key))
        return refuse(r, "a key that is no text");
    for (size_t k = 0; k < ARRAY_LEN(group_names); k++) {
        if (!str_is(key, group_names[k]))
            continue;
        if (r->depth == POLICY_DEPTH)
            return refuse(r, "nested deeper than %d", POLICY_DEPTH);
        r->open[r->depth] = node_add(r, (enum node_kind)k);
        r->n_children[r->depth++] = 0;
        if (k == NODE_NOT)
            return true;
        if (!cursor_take(r->at, '[') || cursor_peek(r->at) == ']')
            return refuse(r, "must be a list of at least one condition");
        return true;
    }
    *is_leaf = true;
    return leaf_read(r, key);
}

static bool tree_read(struct reader *r)
{
    for (;;) {
        bool is_leaf, is_bad = false;
        if (!open_or_leaf(r, &is_leaf))
            return false;
        if (is_leaf && close_groups(r, &is_bad))
            return true;
        if (is_bad)
            return false;
    }
}

/* Where to go on after each node, from the parents' down to the leaves'. */
static void join(struct reader *r)
{
    size_t n = r->nodes.len / sizeof(struct node);
    struct ends {
        uint16_t yes, no;
    } *ends = arena_take(r->at->arena, n * sizeof *ends);
    ends[0] = (struct ends){HOLDS, FAILS};
    for (uint32_t i = 0; i < n; i++) {
        const struct node *x = node_at(r, i), *up = node_at(r, x->parent);
        if (i > 0) {
            struct ends above = ends[x->parent];
            bool is_last = x->after == up->after;
            ends[i] = above;
            if (up->kind == NODE_NOT)
                ends[i] = (struct ends){above.no, above.yes};
            else if (up->kind == NODE_ALL && !is_last)
                ends[i].yes = x->after;
            else if (up->kind == NODE_ANY && !is_last)
                ends[i].no = x->after;
        }
        if (x->kind == NODE_LEAF) {
            struct leaf *l = (struct leaf *)(void *)r->leaves.at + x->first;
            l->yes = ends[i].yes;
            l->no = ends[i].no;
        }
    }
}

bool condition_read(struct condition *c, struct cursor *at, struct err *e)
{
    struct reader r = {.at = at, .e = e};
    bool is_good = tree_read(&r);
    if (is_good) {
        join(&r);
        struct leaf *leaves = arena_take(at->arena, r.leaves.len);
        memcpy(leaves, r.leaves.at, r.leaves.len);
        *c = (struct condition){leaves, r.wants_features};
    }
    buf_fini(&r.nodes);
    buf_fini(&r.leaves);
    return is_good;
}

static bool number_holds(const struct leaf *l, double x)
{
    double y = l->values[0].number;
    switch ((enum op)l->op) {
    case OP_EQ:
        return x == y;
    case OP_NE:
        return x != y;
    case OP_LT:
        return x < y;
    case OP_LE:
        return x <= y;
    case OP_GT:
        return x > y;
    case OP_GE:
        return x >= y;
    case OP_IN:
        for (uint32_t i = 0; i < l->n_values; i++)
            if (x == l->values[i].number)
                return true;
        return false;
    case OPS_N:
        break;
    }
    return false;
}

static bool text_holds(const struct leaf *l, struct str text)
{
    bool is_one = false;
    for (uint32_t i = 0; i < l->n_values && !is_one; i++)
        is_one = str_eq(text, l->values[i].text);
    return is_one != (l->op == OP_NE);
}

static bool leaf_holds(const struct leaf *l, const struct view *v)
{
    double number;
    struct str text;
    if (l->what.type == VALUE_NUMBER)
        return operand_number(l->what, v, &number) && number_holds(l, number);
    if (l->what.type == VALUE_TEXT)
        return operand_text(l->what, v, &text) && text_holds(l, text);
    return (operand_flag(l->what, v) == l->values[0].flag) == (l->op == OP_EQ);
}

bool condition_holds(const struct condition *c, const struct view *v)
{
    uint16_t next = 0;
    while (next < FAILS) {
        const struct leaf *l = &c->leaves[next];
        next = leaf_holds(l, v) ? l->yes : l->no;
    }
    return next == HOLDS;
}
