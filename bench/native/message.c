#define _GNU_SOURCE
#include "message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void message_begin(struct message *message, enum message_kind kind) {
    message->head_size = 0;
    message->head_done = false;
    message->close_after = false;
    message->kind = kind;
    message->part = CHUNK_SIZE;
    message->left = 0;
}

int message_status(const struct message *message) {
    return atoi(message->head + strlen("HTTP/1.1 "));
}

static void read_framing(struct message *message) {
    const char *length = strcasestr(message->head, "\r\ncontent-length:");
    message->close_after = strcasestr(message->head, "\r\nconnection: close") != NULL;
    if (strcasestr(message->head, "\r\ntransfer-encoding: chunked")) {
        message->body = BODY_CHUNKED;
    } else if (length) {
        message->body = BODY_LENGTH;
        message->left = atoll(length + strlen("\r\ncontent-length:"));
    } else {
        message->body = message->kind == ANSWER ? BODY_UNTIL_CLOSE : BODY_LENGTH;
    }
}

/* How many of the bytes belong to the head; 0 where it does not fit. */
static size_t feed_head(struct message *message, const char *data, size_t size) {
    size_t before = message->head_size;
    size_t room = MESSAGE_HEAD_ROOM - 1 - before;
    size_t taken = size < room ? size : room;
    memcpy(message->head + before, data, taken);
    const char *end = memmem(message->head, before + taken, "\r\n\r\n", 4);
    message->head_done = end != NULL;
    message->head_size = end ? (size_t)(end - message->head) + 4 : before + taken;
    message->head[message->head_size] = 0;
    if (end)
        read_framing(message);
    return message->head_size - before;
}

static size_t feed_payload(struct message *message, const char *data, size_t size) {
    size_t taken = (int64_t)size < message->left ? size : (size_t)message->left;
    if (message->take)
        message->take(message->taker, data, taken);
    message->left -= (int64_t)taken;
    return taken;
}

static int hex_digit(char byte) {
    if (isdigit((unsigned char)byte))
        return byte - '0';
    return isxdigit((unsigned char)byte) ? tolower((unsigned char)byte) - 'a' + 10 : -1;
}

static void end_of_size_line(struct message *message) {
    message->part = message->left ? CHUNK_DATA : TRAILER;
}

/* One byte between the chunks' data. */
static enum message_progress feed_chunk_mark(struct message *message, char byte) {
    bool line_ends = byte == '\n';
    switch (message->part) {
    case CHUNK_SIZE:
        if (line_ends)
            end_of_size_line(message);
        else if (hex_digit(byte) >= 0)
            message->left = message->left * 16 + hex_digit(byte);
        else if (byte == ';')
            message->part = CHUNK_EXTENSION;
        break;
    case CHUNK_EXTENSION:
        if (line_ends)
            end_of_size_line(message);
        break;
    case CHUNK_END:
        if (line_ends)
            message->part = CHUNK_SIZE;
        break;
    case TRAILER:
        if (line_ends)
            return MESSAGE_DONE;
        if (byte != '\r')
            message->part = TRAILER_LINE;
        break;
    case TRAILER_LINE:
        if (line_ends)
            message->part = TRAILER;
        break;
    case CHUNK_DATA:
        return MESSAGE_BAD;
    }
    return MESSAGE_MORE;
}

static enum message_progress feed_chunked(struct message *message, const char *data, size_t size) {
    size_t at = 0;
    while (at < size) {
        if (message->part == CHUNK_DATA) {
            at += feed_payload(message, data + at, size - at);
            if (message->left == 0)
                message->part = CHUNK_END;
        } else if (feed_chunk_mark(message, data[at++]) == MESSAGE_DONE) {
            return at == size ? MESSAGE_DONE : MESSAGE_BAD;
        }
    }
    return MESSAGE_MORE;
}

static enum message_progress feed_length(struct message *message, const char *data, size_t size) {
    size_t taken = size ? feed_payload(message, data, size) : 0;
    if (taken < size)
        return MESSAGE_BAD;
    return message->left == 0 ? MESSAGE_DONE : MESSAGE_MORE;
}

enum message_progress message_feed(struct message *message, const char *data, size_t size) {
    if (!message->head_done) {
        size_t taken = feed_head(message, data, size);
        if (!message->head_done)
            return taken == size ? MESSAGE_MORE : MESSAGE_BAD;
        data += taken;
        size -= taken;
    }
    if (message->body == BODY_CHUNKED)
        return feed_chunked(message, data, size);
    if (message->body == BODY_LENGTH)
        return feed_length(message, data, size);
    if (message->take)
        message->take(message->taker, data, size);
    return MESSAGE_MORE;
}
