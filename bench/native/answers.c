#define _GNU_SOURCE
#include "answers.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMON "Server: bench\r\nDate: Sat, 21 Nov 2026 22:28:04 GMT\r\nCache-Control: private, max-age=60\r\n" \
               "ETag: W/\"5f0c4c2e7f7b\"\r\nX-RateLimit-Remaining: 4999\r\nX-Request-Id: " BLANK_ID "\r\n"
#define BLANK_ID "0000000000000000"
#define JSON_HEAD "HTTP/1.1 %s\r\n" COMMON "Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
#define BYTES_HEAD "HTTP/1.1 200 OK\r\n" COMMON "Content-Type: application/octet-stream\r\nContent-Length: %" PRId64 "\r\n\r\n"
#define EVENTS_HEAD "HTTP/1.1 200 OK\r\n" COMMON "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

static struct answer ok, created;

static void write_json(struct answer *answer, const char *status) {
    int head = snprintf(answer->text, ANSWER_ROOM, JSON_HEAD, status, JSON_BYTES);
    char *body = answer->text + head;
    memset(body, 'a', JSON_BYTES);
    memcpy(body, "{\"number\":7,\"body\":\"", 20);
    memcpy(body + JSON_BYTES - 2, "\"}", 2);
    answer->size = (size_t)head + JSON_BYTES;
}

void prepare_answers(void) {
    write_json(&ok, "200 OK");
    write_json(&created, "201 Created");
}

/* Every answer has an id of its own, and fewer requests left, as a vendor's would: no two heads are the same. */
static void number(char *text) {
    static unsigned long long count;
    char digits[sizeof BLANK_ID];
    snprintf(digits, sizeof digits, "%016llx", ++count);
    memcpy(strstr(text, BLANK_ID), digits, strlen(digits));
    snprintf(digits, sizeof digits, "%04llu", count % 5000);
    memcpy(strstr(text, "Remaining: ") + 11, digits, 4);
}

static void copy(const struct answer *from, struct answer *to) {
    memcpy(to->text, from->text, from->size);
    number(to->text);
    to->size = from->size;
    to->filler = 0;
    to->is_events = false;
}

static void write_bytes_head(struct answer *answer, int64_t size) {
    answer->filler = size < MOST_BYTES ? size : MOST_BYTES;
    answer->is_events = false;
    answer->size = (size_t)snprintf(answer->text, ANSWER_ROOM, BYTES_HEAD, answer->filler);
}

static void write_events_head(struct answer *answer) {
    answer->filler = 0;
    answer->is_events = true;
    answer->size = (size_t)snprintf(answer->text, ANSWER_ROOM, EVENTS_HEAD);
}

void choose_answer(const char *head, struct answer *answer) {
    const char *line_end = strstr(head, " HTTP/1.1\r\n");
    const char *bytes = line_end ? memmem(head, (size_t)(line_end - head), "/bytes/", 7) : NULL;
    if (strncmp(head, "POST ", 5) == 0)
        copy(&created, answer);
    else if (bytes)
        write_bytes_head(answer, atoll(bytes + 7));
    else if (line_end && line_end - head > 4 && strncmp(line_end - 4, "/sse", 4) == 0)
        write_events_head(answer);
    else
        copy(&ok, answer);
}

size_t write_event(char *into, size_t room) {
    char event[64];
    int size = snprintf(event, sizeof event, "data: %" PRIu64 "\n\n", now_ns());
    return (size_t)snprintf(into, room, "%x\r\n%s\r\n", (unsigned)size, event);
}
