/* Streams of server-sent events whose data is the time of sending. */
#ifndef BENCH_EVENTS_H
#define BENCH_EVENTS_H

#include "client.h"

/* A `body_taker` for a `struct client`: counts payload and, of event streams, each event's delay. */
void take_payload(void *client, const char *data, size_t size);

#endif
