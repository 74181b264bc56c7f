/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/probe.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

static int connect_to(unsigned port)
{
    const struct timeval patience = {1, 0};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Status of an answer whose head is whole; the body is moved to the front. */
static int answer_split(struct buf *b)
{
    struct str all = buf_as_str(b), rest;
    const char *gap = all.len ? memmem(all.at, all.len, "\r\n\r\n", 4) : NULL;
    uint64_t status;
    (void)str_cut(all, ' ', &rest);
    if (!gap || !str_starts(all, STR("HTTP/1.")) || rest.len < 3 ||
        !str_u64(str_over(rest.at, 3), &status))
        return 0;
    size_t head = (size_t)(gap + 4 - all.at);
    memmove(b->at, b->at + head, b->len - head);
    b->len -= head;
    return (int)status;
}

int probe_get(unsigned port, const char *path, struct buf *body)
{
    char request[128];
    buf_reset(body);
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    auto_close int fd = connect_to(port);
    if (fd < 0 || send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        return 0;
    while (body->len < ANSWER_MAX) {
        ssize_t n = recv(fd, buf_take(body, 4096), 4096, 0);
        body->len -= 4096 - (n > 0 ? (size_t)n : 0);
        if (n < 0)
            return 0;
        if (n == 0)
            break;
    }
    return answer_split(body);
}

bool probe_metric(struct str text, const char *name, double *value)
{
    bool is_found = false;
    while (text.len > 0) {
        struct str line = str_cut(text, '\n', &text);
        if (!str_starts(line, str_of(name)))
            continue;
        const char *blank = memrchr(line.at, ' ', line.len);
        char next = line.at[strlen(name)];
        double v;
        if (!blank || (next != ' ' && next != '{') ||
            !str_f64(str_over(blank + 1, line.len - (size_t)(blank + 1 - line.at)), &v))
            continue;
        *value = is_found ? MAX(*value, v) : v;
        is_found = true;
    }
    return is_found;
}
