/* What the upstream answers, chosen by the end of the path, so that any vendor's path can lead to each of them:
 *   …/bytes/N   N bytes                       …/sse   events for as long as the client stays, at most a minute
 *   a POST      its body is thrown away       else    one kilobyte of JSON */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_ROOM 2048
#define JSON_BYTES 1024
#define MOST_BYTES (1LL << 32)

struct answer {
    char text[ANSWER_ROOM]; /* the head, and the body where that is short */
    size_t size;
    int64_t filler; /* bytes of no meaning that follow */
    bool is_events;
};

/* Once, before the first answer. */
void prepare_answers(void);

/* For a request's head, ended by a zero byte. */
void choose_answer(const char *head, struct answer *answer);

/* One event as a chunk; its data is the time. Returns the size. */
size_t write_event(char *into, size_t room);

#endif
