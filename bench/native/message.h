/* Finds the end of one HTTP/1.1 message as its bytes come in (RFC 9112 section 6). It trusts the sender: this is a
 * measuring tool, and no example of how to read HTTP from strangers. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEAD_ROOM 8192

enum message_kind { REQUEST, ANSWER };
enum message_progress { MESSAGE_MORE, MESSAGE_DONE, MESSAGE_BAD };
enum message_body { BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };
enum chunk_part { CHUNK_SIZE, CHUNK_EXTENSION, CHUNK_DATA, CHUNK_END, TRAILER, TRAILER_LINE };

typedef void body_taker(void *taker, const char *data, size_t size);

struct message {
    char head[MESSAGE_HEAD_ROOM];
    size_t head_size;
    bool head_done;
    bool close_after;
    enum message_kind kind;
    enum message_body body;
    enum chunk_part part;
    int64_t left; /* bytes of the body, or of the present chunk */
    body_taker *take; /* is given the payload; may be NULL */
    void *taker;
};

/* Get ready for the next message of a connection; `take` and `taker` stay. */
void message_begin(struct message *message, enum message_kind kind);

/* Bytes after the message's end are BAD: nobody here pipelines. */
enum message_progress message_feed(struct message *message, const char *data, size_t size);

/* Of an answer whose head is done. */
int message_status(const struct message *message);

#endif
