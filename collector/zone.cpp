// SPDX-License-Identifier: Apache-2.0
#include "collector/zone.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/zone_rules.h"

#include <cctz/time_zone.h>

#include <cstdlib>
#include <dirent.h>
#include <string>
#include <sys/stat.h>

namespace
{

using seconds = std::chrono::duration<int_fast64_t>;
using instant = cctz::time_point<seconds>;

enum { ZONES = 1024, SLOTS = 4096, DEPTH = 3 };
enum reading { NOT_YET, DONE, BAD };

struct known {
    char name[ZONE_NAME_MAX + 1];
    size_t len;
    enum reading reading;
    cctz::time_zone rules;
};

struct zones {
    struct known all[ZONES];
    size_t n;
    uint16_t slots[SLOTS]; // 1 + index, by hash of the name in small letters; 0 = free
};

struct str lower_of(struct str s, char to[ZONE_NAME_MAX])
{
    for (size_t i = 0; i < s.len; i++)
        to[i] = (char)(s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] | 32 : s.at[i]);
    return str_over(to, s.len);
}

// Of at most ZONE_NAME_MAX bytes.
size_t slot_of(const struct zones &z, struct str name)
{
    char lower[ZONE_NAME_MAX];
    size_t slot = hash64_str(lower_of(name, lower)) & (SLOTS - 1);
    for (; z.slots[slot] != 0; slot = (slot + 1) & (SLOTS - 1)) {
        const struct known &k = z.all[z.slots[slot] - 1];
        if (str_eq_nocase(str_over(k.name, k.len), name))
            break;
    }
    return slot;
}

void add(struct zones &z, const std::string &name)
{
    struct str text = str_over(name.data(), name.size());
    if (z.n == ZONES || name.size() > ZONE_NAME_MAX)
        return;
    size_t slot = slot_of(z, text);
    if (z.slots[slot] != 0)
        return;
    struct known &k = z.all[z.n++];
    name.copy(k.name, ZONE_NAME_MAX);
    k.len = name.size();
    z.slots[slot] = (uint16_t)z.n;
}

// Names of zones begin with a capital; the table's other files and folders do not.
bool is_part(const char *name)
{
    if (name[0] < 'A' || name[0] > 'Z')
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
              (*c >= '0' && *c <= '9') || *c == '_' || *c == '-' || *c == '+'))
            return false;
    return true;
}

bool is_folder(const struct dirent *d, const std::string &path)
{
    struct stat st;
    if (d->d_type != DT_UNKNOWN)
        return d->d_type == DT_DIR;
    return lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

void list(struct zones &z, const std::string &root, const std::string &below, int depth)
{
    DIR *folder = opendir((root + '/' + below).c_str());
    if (folder == nullptr)
        return;
    while (const struct dirent *d = readdir(folder)) { // NOLINT(concurrency-mt-unsafe)
        if (!is_part(d->d_name))
            continue;
        const std::string name = below + d->d_name;
        if (!is_folder(d, root + '/' + name))
            add(z, name);
        else if (depth > 1)
            list(z, root, name + '/', depth - 1);
    }
    (void)closedir(folder);
}

struct zones &table()
{
    static struct zones z;
    static bool is_listed = false;
    if (!is_listed) {
        const char *root = getenv("TZDIR"); // as cctz looks for it
        list(z, root != nullptr && root[0] != '\0' ? root : "/usr/share/zoneinfo", "", DEPTH);
        is_listed = true;
    }
    return z;
}

struct known *find(struct str name)
{
    struct zones &z = table();
    if (name.len == 0 || name.len > ZONE_NAME_MAX)
        return nullptr;
    size_t slot = slot_of(z, name);
    if (z.slots[slot] == 0)
        return nullptr;
    struct known &k = z.all[z.slots[slot] - 1];
    if (k.reading == NOT_YET)
        k.reading = cctz::load_time_zone(std::string(k.name, k.len), &k.rules) ? DONE : BAD;
    return k.reading == DONE ? &k : nullptr;
}

// One or two digits, or of the minutes exactly two.
bool take_number(struct str *s, size_t least, int *number)
{
    size_t n = 0;
    *number = 0;
    for (; n < 2 && n < s->len && s->at[n] >= '0' && s->at[n] <= '9'; n++)
        *number = *number * 10 + (s->at[n] - '0');
    *s = str_over(s->at + n, s->len - n);
    return n >= least;
}

// "+02:00", "-0330", "+2", "UTC+2"; east is +, unlike in "Etc/GMT-2".
bool read_offset(struct str s, int *offset_min)
{
    int hours, minutes = 0;
    if (str_is(s, "Z") || str_is(s, "z")) {
        *offset_min = 0;
        return true;
    }
    if (s.len > 3 && (str_eq_nocase(str_over(s.at, 3), STR("UTC")) ||
                      str_eq_nocase(str_over(s.at, 3), STR("GMT"))))
        s = str_over(s.at + 3, s.len - 3);
    if (s.len < 2 || s.len > 6 || (s.at[0] != '+' && s.at[0] != '-'))
        return false;
    bool is_west = s.at[0] == '-';
    s = str_over(s.at + 1, s.len - 1);
    if (!take_number(&s, 1, &hours))
        return false;
    if (s.len > 0 && s.at[0] == ':')
        s = str_over(s.at + 1, s.len - 1);
    else if (s.len == 0)
        s = STR("00");
    if (!take_number(&s, 2, &minutes) || s.len > 0 || minutes > 59)
        return false;
    int total = hours * 60 + minutes;
    if (total > ZONE_OFFSET_MAX_MIN)
        return false;
    *offset_min = is_west ? -total : total;
    return true;
}

int offset_s(const struct known &k, int64_t at_s)
{
    return k.rules.lookup(instant(seconds(at_s))).offset;
}

// 00:00 UTC on the first of January of 1990 and 2060
const int64_t rules_from_s = 631152000, rules_to_s = 2840140800;

void put_changes(const struct known &k, struct buf *out)
{
    int before = offset_s(k, rules_from_s);
    int64_t at_s = rules_from_s;
    cctz::time_zone::civil_transition change;
    buf_printf(out, "0=%d", before / 60);
    while (k.rules.next_transition(instant(seconds(at_s)), &change)) {
        at_s = k.rules.lookup(change.to).trans.time_since_epoch().count();
        if (at_s >= rules_to_s)
            break;
        int offset = offset_s(k, at_s);
        if (offset != before) // else only the name of the time changes
            buf_printf(out, " %lld=%d", (long long)at_s, offset / 60);
        before = offset;
    }
}

} // namespace

bool zone_offset_min(struct str zone, int64_t ts_us, double *offset_min)
{
    int fixed;
    const struct known *k = find(zone);
    if (k == nullptr) {
        if (!read_offset(zone, &fixed))
            return false;
        *offset_min = fixed;
        return true;
    }
    *offset_min = offset_s(*k, clock_floor(ts_us, SECOND_US)) / 60.0;
    return true;
}

bool zone_find(struct str zone, struct str *name)
{
    int fixed;
    const struct known *k = find(zone);
    if (k != nullptr)
        *name = str_over(k->name, k->len);
    else if (read_offset(zone, &fixed))
        *name = zone;
    else
        return false;
    return true;
}

bool zone_put_rules(struct str zone, struct buf *out)
{
    int fixed;
    const struct known *k = find(zone);
    if (k != nullptr)
        put_changes(*k, out);
    else if (read_offset(zone, &fixed))
        buf_printf(out, "0=%d", fixed);
    else
        return false;
    return true;
}

struct str zone_nearest(struct str zone)
{
    const struct zones &z = table();
    struct str nearest = {nullptr, 0};
    unsigned least = 4; // more is another word
    for (size_t i = 0; i < z.n; i++) {
        struct str name = str_over(z.all[i].name, z.all[i].len);
        unsigned distance = str_distance(zone, name);
        if (distance < least ||
            (distance == least && nearest.len > 0 && str_cmp(name, nearest) < 0)) {
            least = distance;
            nearest = name;
        }
    }
    return nearest;
}
