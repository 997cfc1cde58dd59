/* One connection of the load generator, from connect() to its last answer. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "message.h"
#include "plan.h"
#include "samples.h"
#include "stream.h"

/* The order is that of a connection's life. The two about tunnels are left out without a proxy. */
enum phase { OPENING, ASKING_FOR_TUNNEL, AWAITING_TUNNEL, SHAKING_HANDS, IDLE, SENDING, RECEIVING, OVER };

/* What all connections share. Nothing is counted before `measuring`. */
struct run {
    struct plan plan;
    SSL_CTX *tls;
    int epoll;
    bool measuring;
    bool finished; /* the last request that was wanted is answered, or nothing works */
    long asked;
    uint64_t answers, refusals, faults, bytes_in, bytes_out;
    uint64_t all_answers; /* those of the warm-up too */
    const char *first_fault;
    struct samples times;  /* of answers */
    struct samples delays; /* of events */
};

struct client {
    struct run *run;
    struct stream stream;
    enum phase phase;
    uint64_t began; /* when the request now under way was due */
    size_t sent;    /* bytes of the head being sent */
    int64_t body_left;
    struct message answer;
    char line[64]; /* of an event stream, as far as it has come */
    size_t line_size;
};

/* Connect, or connect anew. */
void client_open(struct client *client);

/* Go on as far as the socket lets us. */
void client_drive(struct client *client);

/* Ask; `due` is when that should have happened. Only for clients that are IDLE. */
void client_ask(struct client *client, uint64_t due);

#endif
