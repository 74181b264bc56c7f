/* SPDX-License-Identifier: Apache-2.0 */
#include "common/model/container.h"

#include "common/base/err.h"
#include "common/base/hash.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are read and written as they are");

static const char magic[8] = "AUSPEXMD";
enum { FORMAT = 1, HEAD_LEN = 192, ENTRY_LEN = 32 };

struct file_head {
    char magic[8];
    uint32_t format, n_sections;
    uint64_t len, features_hash;
    uint32_t n_features, zero;
    int64_t data_from_us, data_to_us;
    uint64_t zero2;
    char kind[32], form[32], name[64];
};
_Static_assert(sizeof(struct file_head) == HEAD_LEN, "no padding");

struct file_entry {
    char tag[8];
    uint64_t offset, len, hash;
};
_Static_assert(sizeof(struct file_entry) == ENTRY_LEN, "no padding");

static uint64_t align(uint64_t offset)
{
    return (offset + CONTAINER_ALIGN - 1) / CONTAINER_ALIGN * CONTAINER_ALIGN;
}

/* Where the checksum of head and table stands. */
static size_t table_end(uint32_t n_sections)
{
    return HEAD_LEN + (size_t)n_sections * ENTRY_LEN;
}

static bool all_zero(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* Copies a field of `cap` bytes, padded with zeroes, into cap + 1 bytes. */
static bool word_read(char *out, const char *field, size_t cap)
{
    size_t len = strnlen(field, cap);
    for (size_t i = 0; i < len; i++)
        if (!is_word_char(field[i]))
            return false;
    memcpy(out, field, cap);
    out[cap] = '\0';
    return len > 0 && all_zero((const uint8_t *)field + len, cap - len);
}

static bool head_read(struct container *c, const struct file_head *h, size_t len, struct err *e)
{
    struct container_head *head = &c->head;
    if (memcmp(h->magic, magic, sizeof magic) != 0)
        return err_set(e, 0, "not a model file: it does not begin with AUSPEXMD");
    if (h->format != FORMAT)
        return err_set(e, 0, "format %u, but only %d is known", h->format, FORMAT);
    if (h->len != len)
        return err_set(e, 0, "%zu bytes, but its head says %llu", len,
                       (unsigned long long)h->len);
    if (h->n_sections == 0 || h->n_sections > CONTAINER_SECTIONS_MAX)
        return err_set(e, 0, "%u sections, but 1 to %d are possible", h->n_sections,
                       CONTAINER_SECTIONS_MAX);
    if (h->zero != 0 || h->zero2 != 0)
        return err_set(e, 0, "the head's spare bytes are not zero");
    if (!word_read(head->kind, h->kind, sizeof h->kind) ||
        !word_read(head->form, h->form, sizeof h->form) ||
        !word_read(head->name, h->name, sizeof h->name))
        return err_set(e, 0, "kind, form or name is not a word of [a-z0-9._-]");
    head->n_features = h->n_features;
    head->features_hash = h->features_hash;
    head->data_from_us = h->data_from_us;
    head->data_to_us = h->data_to_us;
    c->n_sections = h->n_sections;
    return head->data_from_us <= head->data_to_us ||
           err_set(e, 0, "the data window ends before it begins");
}

/* `end` is where the section before ended. */
static bool section_read(struct section *s, const struct file_entry *entry, const uint8_t *at,
                         size_t len, uint64_t end, struct err *e)
{
    if (!word_read(s->tag, entry->tag, sizeof entry->tag))
        return err_set(e, 0, "its tag is not a word");
    if (entry->offset != align(end))
        return err_set(e, 0, "at %llu instead of %llu", (unsigned long long)entry->offset,
                       (unsigned long long)align(end));
    if (entry->offset > len || entry->len > len - entry->offset)
        return err_set(e, 0, "ends behind the file");
    if (!all_zero(at + end, entry->offset - end))
        return err_set(e, 0, "the bytes before it are not zero");
    s->bytes = str_over(at + entry->offset, entry->len);
    return hash64_str(s->bytes) == entry->hash || err_set(e, 0, "checksum differs");
}

bool container_read(struct container *c, const void *at, size_t len, struct err *e)
{
    const uint8_t *bytes = at;
    struct file_head head;
    uint64_t hash;
    if (len < sizeof head)
        return err_set(e, 0, "%zu bytes are too short for a model file", len);
    memcpy(&head, bytes, sizeof head);
    if (!head_read(c, &head, len, e))
        return false;
    size_t table = table_end(c->n_sections);
    if (table + sizeof hash > len)
        return err_set(e, 0, "the section table ends behind the file");
    memcpy(&hash, bytes + table, sizeof hash);
    if (hash64(bytes, table) != hash)
        return err_set(e, 0, "checksum of head and section table differs");
    uint64_t end = table + sizeof hash;
    for (uint32_t i = 0; i < c->n_sections; i++) {
        struct file_entry entry;
        memcpy(&entry, bytes + HEAD_LEN + i * sizeof entry, sizeof entry);
        if (!section_read(&c->sections[i], &entry, bytes, len, end, e))
            return err_prefix(e, "section %u", i);
        end = entry.offset + entry.len;
    }
    return end == len ||
           err_set(e, 0, "%llu bytes behind the last section", (unsigned long long)(len - end));
}

static void word_write(char *field, const char *word, size_t cap)
{
    size_t len = strlen(word);
    CHECK(len > 0 && len <= cap);
    memset(field, 0, cap);
    for (size_t i = 0; i < len; i++) {
        CHECK(is_word_char(word[i]));
        field[i] = word[i];
    }
}

static uint64_t put_sections(const struct container *c, struct buf *out)
{
    uint64_t end = out->len;
    for (uint32_t i = 0; i < c->n_sections; i++) {
        const struct section *s = &c->sections[i];
        struct file_entry entry = {.offset = align(end), .len = s->bytes.len};
        word_write(entry.tag, s->tag, sizeof entry.tag);
        size_t gap = entry.offset - end;
        if (gap > 0)
            memset(buf_take(out, gap), 0, gap);
        buf_str(out, s->bytes);
        memcpy(out->at + HEAD_LEN + i * sizeof entry, &entry, sizeof entry);
        end = entry.offset + entry.len;
    }
    return end;
}

void container_write(const struct container *c, struct buf *out)
{
    CHECK(out->len == 0 && c->n_sections > 0 && c->n_sections <= CONTAINER_SECTIONS_MAX);
    CHECK(c->head.data_from_us <= c->head.data_to_us);
    struct file_head head = {
        .format = FORMAT,
        .n_sections = c->n_sections,
        .features_hash = c->head.features_hash,
        .n_features = c->head.n_features,
        .data_from_us = c->head.data_from_us,
        .data_to_us = c->head.data_to_us,
    };
    memcpy(head.magic, magic, sizeof magic);
    word_write(head.kind, c->head.kind, sizeof head.kind);
    word_write(head.form, c->head.form, sizeof head.form);
    word_write(head.name, c->head.name, sizeof head.name);
    size_t front = table_end(c->n_sections) + sizeof(uint64_t);
    memset(buf_take(out, front), 0, front);
    head.len = put_sections(c, out);
    memcpy(out->at, &head, sizeof head);
    CHECK(container_seal(out->at, out->len));
}

bool container_seal(uint8_t *at, size_t len)
{
    struct file_head head;
    if (len < sizeof head)
        return false;
    memcpy(&head, at, sizeof head);
    if (head.n_sections > CONTAINER_SECTIONS_MAX)
        return false;
    size_t table = table_end(head.n_sections);
    if (table + sizeof(uint64_t) > len)
        return false;
    for (uint32_t i = 0; i < head.n_sections; i++) {
        struct file_entry entry;
        uint8_t *place = at + HEAD_LEN + i * sizeof entry;
        memcpy(&entry, place, sizeof entry);
        if (entry.offset > len || entry.len > len - entry.offset)
            return false;
        entry.hash = hash64(at + entry.offset, entry.len);
        memcpy(place, &entry, sizeof entry);
    }
    uint64_t hash = hash64(at, table);
    memcpy(at + table, &hash, sizeof hash);
    return true;
}
