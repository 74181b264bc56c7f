/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t which)
{
    struct timespec t;
    CHECK(clock_gettime(which, &t) == 0);
    return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_days(int year, unsigned month, unsigned day)
{
    int y = year - (month <= 2);
    int era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return (int64_t)era * 146097 + (int64_t)doe - 719468;
}

void clock_civil(int64_t days, int *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int)((int64_t)yoe + era * 400) + (*month <= 2);
}

/* Exactly `n` digits from the front of *s. */
static bool take_digits(struct str *s, size_t n, unsigned *value)
{
    unsigned v = 0;
    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned char)s->at[i] - '0';
        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    *s = str_over(s->at + n, s->len - n);
    *value = v;
    return true;
}

static bool take_char(struct str *s, const char *any_of)
{
    if (s->len == 0 || s->at[0] == '\0' || !strchr(any_of, s->at[0]))
        return false;
    *s = str_over(s->at + 1, s->len - 1);
    return true;
}

static bool take_date(struct str *s, int64_t *us)
{
    unsigned year, month, day, m;
    int y;
    unsigned d;
    if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
        !take_char(s, "-") || !take_digits(s, 2, &day) || year < 1970)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    int64_t days = clock_days((int)year, month, day);
    clock_civil(days, &y, &m, &d); /* 30 February comes back as a day in March */
    if (m != month || d != day)
        return false;
    *us = days * DAY_US;
    return true;
}

static bool take_fraction(struct str *s, int64_t *us)
{
    static const int64_t scale[] = {100000, 10000, 1000, 100, 10, 1};
    size_t n = 0;
    if (!take_char(s, ".,"))
        return true;
    for (; s->len > 0 && s->at[0] >= '0' && s->at[0] <= '9' && n < 9; n++) {
        if (n < ARRAY_LEN(scale))
            *us += (s->at[0] - '0') * scale[n];
        *s = str_over(s->at + 1, s->len - 1);
    }
    return n > 0;
}

static bool take_zone(struct str *s, int64_t *us)
{
    if (str_is(*s, "Z") || str_is(*s, "z") || str_is(*s, " UTC") || s->len == 0)
        return true;
    unsigned hours, minutes;
    bool is_east = s->at[0] == '+';
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours))
        return false;
    (void)take_char(s, ":");
    if (!take_digits(s, 2, &minutes) || s->len > 0 || hours > 23 || minutes > 59)
        return false;
    int64_t offset_us = hours * HOUR_US + minutes * MINUTE_US;
    *us += is_east ? -offset_us : offset_us;
    return true;
}

bool clock_parse(struct str text, int64_t *us)
{
    struct str s = text;
    int64_t t;
    unsigned hour, minute, second = 0;
    if (!take_date(&s, &t))
        return false;
    if (s.len > 0) {
        if (!take_char(&s, "Tt ") || !take_digits(&s, 2, &hour) || !take_char(&s, ":") ||
            !take_digits(&s, 2, &minute))
            return false;
        if (take_char(&s, ":") && !take_digits(&s, 2, &second))
            return false;
        if (hour > 23 || minute > 59 || second > 60)
            return false;
        t += hour * HOUR_US + minute * MINUTE_US + MIN(second, 59u) * SECOND_US;
        if (!take_fraction(&s, &t) || !take_zone(&s, &t))
            return false;
    }
    if (t >= CLOCK_END_US) /* by its offset */
        return false;
    *us = t;
    return true;
}

void clock_format(int64_t us, char out[CLOCK_TEXT])
{
    int year;
    unsigned month, day;
    int64_t days = clock_floor(us, DAY_US), rest = us - days * DAY_US;
    clock_civil(days, &year, &month, &day);
    CHECK(year >= 0 && us < CLOCK_END_US);
    char text[64];
    (void)snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", year, month, day,
                   (int)(rest / HOUR_US), (int)(rest / MINUTE_US % 60),
                   (int)(rest / SECOND_US % 60), (int)(rest % SECOND_US));
    memcpy(out, text, CLOCK_TEXT);
}
