/* What the load generator is asked to do; read once from the command line. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t size;
};

struct plan {
    int port;            /* on 127.0.0.1: the proxy, or the server itself */
    struct text connect; /* the head of a CONNECT to be sent first; empty: straight to the server */
    struct text request; /* the head of each request */
    char *number;        /* where in it a run of ###### is, which each request replaces by another number; or NULL */
    const char *server_name;
    int64_t body;        /* bytes that follow each head */
    int connections;
    double seconds;      /* of measuring, after `warmup`; also the longest that anything takes */
    double warmup;
    double rate;         /* requests a second in all; 0: each connection asks again as soon as it has its answer */
    long requests;       /* stop after so many; 0: only by time */
    bool fresh;          /* a new connection for every request */
    bool events;         /* the answer is a stream of events that carry the time of their sending */
};

/* Ends the process with a line on stderr where the arguments cannot be used. */
struct plan read_plan(int count, char **arguments);

#endif
