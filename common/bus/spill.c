/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/spill.h"

#include "common/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A transaction is committed when it has so many writes or bytes. Each write may copy a path of
 * the tree; ROOM is more than all of a transaction's can take, as a transaction that finds the
 * map full is lost. */
enum { WRITES_MOST = 512, BYTES_MOST = 2 << 20, ROOM = 32 << 20, MAP_FIRST = 64 << 20 };
enum { PARTITIONS_MOST = 4096, LMDB_MAGIC_AT = 16 };
static const uint32_t lmdb_magic = 0xBEEFC0DE;

struct spill {
    MDB_env *env;
    MDB_txn *txn; /* NULL = none is open */
    char *path;
    spill_failed *failed;
    size_t map;                     /* bytes, all of them taken from the file system */
    unsigned n_writes;              /* of the transaction */
    size_t n_bytes;                 /* likewise */
    MDB_dbi dbis[PARTITIONS_MOST];  /* a database a partition */
    bool is_open[PARTITIONS_MOST];  /* whether it is known */
    uint64_t kept[PARTITIONS_MOST]; /* pieces */
    struct spill_counts counts;
};

/* A piece: under the hash of its key, big-endian, the key's length, the key, the value. */
struct piece_key {
    uint8_t bytes[sizeof(uint64_t)];
};

static struct piece_key piece_key(uint64_t hash)
{
    struct piece_key k;
    hash = __builtin_bswap64(hash);
    memcpy(k.bytes, &hash, sizeof hash);
    return k;
}

static bool piece_read(const MDB_val *v, struct str *key, struct str *value)
{
    uint32_t len;
    if (v->mv_size < sizeof len)
        return false;
    memcpy(&len, v->mv_data, sizeof len);
    if (len > v->mv_size - sizeof len)
        return false;
    const char *at = (const char *)v->mv_data + sizeof len;
    *key = str_over(at, len);
    *value = str_over(at + len, v->mv_size - sizeof len - len);
    return true;
}

NORETURN void spill_fail(struct spill *s, const struct err *e)
{
    struct err told = *e;
    if (told.code == EXIT_CODE_OK)
        told.code = EXIT_CODE_IO;
    s->failed(&told);
    abort();
}

NORETURN static void fail(struct spill *s, const char *what, int status)
{
    struct err e = {0};
    err_code(&e, EXIT_CODE_IO, "spill file %s: %s: %s", s->path, what, mdb_strerror(status));
    spill_fail(s, &e);
}

/* Deletes what an earlier run has left, and nothing else. */
static bool clean(const char *path, struct err *e)
{
    uint32_t magic = 0;
    struct stat st;
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ||
               err_code(e, EXIT_CODE_CONFIG, "spill file %s: %s", path, strerror(errno));
    bool is_ours =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_size == 0 || (pread(fd, &magic, sizeof magic, LMDB_MAGIC_AT) == sizeof magic &&
                             magic == lmdb_magic));
    if (!is_ours)
        return err_code(e, EXIT_CODE_CONFIG,
                        "spill file %s: what stands there is not of ours, and is not deleted",
                        path);
    return unlink(path) == 0 ||
           err_code(e, EXIT_CODE_IO, "spill file %s: %s", path, strerror(errno));
}

/* Takes all of the map from the file system. */
static bool reserve(struct spill *s, size_t map, struct err *e)
{
    int fd = -1, status = mdb_env_get_fd(s->env, &fd);
    CHECK(status == MDB_SUCCESS && !s->txn);
    status = posix_fallocate(fd, 0, (off_t)map);
    if (status == 0)
        status = mdb_env_set_mapsize(s->env, map);
    if (status != 0)
        return err_code(e, EXIT_CODE_IO, "spill file %s: no room for %zu MiB: %s", s->path,
                        map >> 20, mdb_strerror(status));
    s->map = map;
    return true;
}

struct spill *spill_open(const char *path, spill_failed *failed, struct err *e)
{
    if (!clean(path, e))
        return NULL;
    struct spill *s = mem_zero(1, sizeof *s);
    s->path = mem_text(path);
    s->failed = failed;
    const unsigned flags =
        MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_NORDAHEAD;
    int status = mdb_env_create(&s->env);
    if (!status)
        status = mdb_env_set_maxdbs(s->env, PARTITIONS_MOST);
    if (!status)
        status = mdb_env_set_mapsize(s->env, MAP_FIRST);
    if (!status)
        status = mdb_env_open(s->env, path, flags, 0600);
    if (status)
        err_code(e, EXIT_CODE_IO, "spill file %s: %s", path, mdb_strerror(status));
    if (!status && reserve(s, MAP_FIRST, e))
        return s;
    spill_close(s);
    return NULL;
}

void spill_close(struct spill *s)
{
    if (!s)
        return;
    if (s->txn)
        mdb_txn_abort(s->txn);
    bool was_open = s->map > 0;
    if (s->env)
        mdb_env_close(s->env);
    if (was_open)
        (void)unlink(s->path); /* or somebody else has */
    free(s->path);
    free(s);
}

struct spill_counts spill_counts(const struct spill *s)
{
    struct spill_counts c = s->counts;
    c.bytes = s->map;
    return c;
}

static void commit(struct spill *s)
{
    if (!s->txn)
        return;
    int status = mdb_txn_commit(s->txn);
    s->txn = NULL;
    s->n_writes = 0;
    s->n_bytes = 0;
    if (status)
        fail(s, "commit", status);
}

/* So that the pages of a transaction with one piece of `len` bytes, and others, have room. */
static void make_room(struct spill *s, size_t len)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct err e = {0};
    int status = mdb_env_info(s->env, &info);
    if (!status)
        status = mdb_env_stat(s->env, &stat);
    if (status)
        fail(s, "size", status);
    size_t need = (info.me_last_pgno + 1) * stat.ms_psize + ROOM + 2 * len;
    size_t map = s->map;
    while (map < need)
        map += MIN(map, (size_t)1 << 30);
    if (map > s->map && !reserve(s, map, &e))
        spill_fail(s, &e);
}

/* The transaction that is open, with room for one more write of `len` bytes. */
static MDB_txn *begin(struct spill *s, size_t len)
{
    if (s->n_writes >= WRITES_MOST || s->n_bytes + len > BYTES_MOST)
        commit(s);
    if (!s->txn) {
        make_room(s, len);
        int status = mdb_txn_begin(s->env, NULL, 0, &s->txn);
        if (status)
            fail(s, "begin", status);
    }
    return s->txn;
}

static void count_write(struct spill *s, size_t len)
{
    s->n_writes++;
    s->n_bytes += len;
}

static MDB_dbi dbi_of(struct spill *s, MDB_txn *txn, uint32_t partition)
{
    CHECK(partition < PARTITIONS_MOST);
    if (!s->is_open[partition]) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%u", partition);
        int status = mdb_dbi_open(txn, name, MDB_CREATE, &s->dbis[partition]);
        if (status)
            fail(s, "database", status);
        s->is_open[partition] = true;
        count_write(s, 0);
    }
    return s->dbis[partition];
}

/* The piece under a key's hash, also when it is another key's; false when there is none. */
static bool piece_find(struct spill *s, MDB_txn *txn, uint32_t partition, struct str key,
                       struct str *found, struct str *value)
{
    struct piece_key k = piece_key(hash64_str(key));
    MDB_val at = {sizeof k, k.bytes}, piece;
    int status = mdb_get(txn, dbi_of(s, txn, partition), &at, &piece);
    if (status == MDB_NOTFOUND)
        return false;
    if (status || !piece_read(&piece, found, value))
        fail(s, "get", status ? status : MDB_CORRUPTED);
    return true;
}

bool spill_put(struct spill *s, uint32_t partition, struct str key, struct str value)
{
    struct str found, old;
    uint32_t key_len = (uint32_t)key.len;
    struct piece_key k = piece_key(hash64_str(key));
    MDB_val at = {sizeof k, k.bytes}, piece = {sizeof key_len + key.len + value.len, NULL};
    MDB_txn *txn = begin(s, piece.mv_size);
    int status =
        mdb_put(txn, dbi_of(s, txn, partition), &at, &piece, MDB_RESERVE | MDB_NOOVERWRITE);
    if (status == MDB_KEYEXIST) {
        if (!piece_find(s, txn, partition, key, &found, &old) || !str_eq(found, key))
            return false;
        (void)spill_drop(s, partition, key);
        return spill_put(s, partition, key, value);
    }
    if (status)
        fail(s, "put", status);
    char *to = piece.mv_data;
    memcpy(to, &key_len, sizeof key_len);
    memcpy(to + sizeof key_len, key.at, key.len);
    if (value.len > 0)
        memcpy(to + sizeof key_len + key.len, value.at, value.len);
    count_write(s, piece.mv_size);
    s->kept[partition]++;
    s->counts.kept++;
    s->counts.puts++;
    return true;
}

static void drop(struct spill *s, MDB_txn *txn, uint32_t partition, struct str key)
{
    struct piece_key k = piece_key(hash64_str(key));
    MDB_val at = {sizeof k, k.bytes};
    int status = mdb_del(txn, dbi_of(s, txn, partition), &at, NULL);
    if (status)
        fail(s, "delete", status);
    count_write(s, 0);
    s->kept[partition]--;
    s->counts.kept--;
}

bool spill_take(struct spill *s, uint32_t partition, struct str key, struct buf *value)
{
    struct str found, piece;
    MDB_txn *txn = begin(s, 0);
    if (!piece_find(s, txn, partition, key, &found, &piece) || !str_eq(found, key))
        return false;
    buf_str(value, piece);
    drop(s, txn, partition, key);
    s->counts.takes++;
    return true;
}

bool spill_drop(struct spill *s, uint32_t partition, struct str key)
{
    struct str found, piece;
    MDB_txn *txn = begin(s, 0);
    if (!piece_find(s, txn, partition, key, &found, &piece) || !str_eq(found, key))
        return false;
    drop(s, txn, partition, key);
    return true;
}

void spill_drop_all(struct spill *s, uint32_t partition)
{
    CHECK(partition < PARTITIONS_MOST);
    if (!s->is_open[partition])
        return;
    commit(s);
    int status = mdb_drop(begin(s, 0), s->dbis[partition], 0);
    if (status)
        fail(s, "drop", status);
    commit(s);
    s->counts.kept -= s->kept[partition];
    s->kept[partition] = 0;
}

bool spill_next(struct spill *s, uint32_t partition, struct spill_place *place, struct str *key,
                struct str *value)
{
    if (place->is_end)
        return false;
    MDB_txn *txn = begin(s, 0);
    MDB_cursor *cursor;
    struct piece_key k = piece_key(place->next_hash);
    MDB_val at = {sizeof k, k.bytes}, piece;
    int status = mdb_cursor_open(txn, dbi_of(s, txn, partition), &cursor);
    if (status)
        fail(s, "walk", status);
    status = mdb_cursor_get(cursor, &at, &piece, MDB_SET_RANGE);
    mdb_cursor_close(cursor);
    if (status == MDB_NOTFOUND) {
        place->is_end = true;
        return false;
    }
    if (status || at.mv_size != sizeof k || !piece_read(&piece, key, value))
        fail(s, "walk", status ? status : MDB_CORRUPTED);
    uint64_t hash;
    memcpy(&hash, at.mv_data, sizeof hash);
    place->next_hash = __builtin_bswap64(hash) + 1;
    place->is_end = place->next_hash == 0;
    return true;
}
