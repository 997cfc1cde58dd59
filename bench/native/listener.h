/* What the two servers here have in common: a port on loopback, and an end. */
#ifndef BENCH_LISTENER_H
#define BENCH_LISTENER_H

#include <stdbool.h>

/* A non-blocking listener on 127.0.0.1 at a port that the system chooses; prints that port on stdout. */
int listen_on_loopback(void);

/* Whether the one who started us has closed our stdin; asked when it can be read. */
bool stdin_ended(void);

/* An hour at most, whatever happens to the one who started us; writing to a closed connection is no reason to end. */
void live_for_a_while(void);

void die(const char *why);

#endif
