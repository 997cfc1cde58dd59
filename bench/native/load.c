/* load: asks an HTTPS server on loopback, straight or through a proxy's CONNECT, and says on stdout how that went.
 * One thread; see plan.h for what can be asked of it, client.h for a connection's life. */
#define _GNU_SOURCE
#include "client.h"
#include "clock.h"
#include "events.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define EVENTS_AT_ONCE 512
#define LONGEST_WAIT (NS_PER_SECOND / 20)

static SSL_CTX *client_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    prepare_context(context);
    /* Who answers is not the question here; the proxy's own verification of the upstream is in what is measured. */
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\x08http/1.1", 9);
    return context;
}

static struct client *open_clients(struct run *run) {
    struct client *clients = calloc((size_t)run->plan.connections, sizeof *clients);
    if (!clients) {
        perror("clients");
        exit(1);
    }
    for (int at = 0; at < run->plan.connections; at++) {
        clients[at].run = run;
        clients[at].answer.take = take_payload;
        clients[at].answer.taker = &clients[at];
        client_open(&clients[at]);
    }
    return clients;
}

/* At a given rate, requests are due at fixed times and their time counts from there, so that a pause of the server
 * is seen by all requests that fall into it. Returns when the next one is due. */
static uint64_t ask_what_is_due(struct run *run, struct client *clients, uint64_t due) {
    uint64_t interval = (uint64_t)((double)NS_PER_SECOND / run->plan.rate);
    for (int at = 0; at < run->plan.connections && due <= now_ns(); at++) {
        if (clients[at].phase != IDLE)
            continue;
        client_ask(&clients[at], due);
        due += interval;
    }
    return due;
}

static uint64_t earlier(uint64_t one, uint64_t other) {
    return one < other ? one : other;
}

static void drive_ready(struct run *run, uint64_t wake) {
    struct epoll_event ready[EVENTS_AT_ONCE];
    struct timespec wait = until_ns(wake);
    int count = epoll_pwait2(run->epoll, ready, EVENTS_AT_ONCE, &wait, NULL);
    for (int at = 0; at < count; at++)
        client_drive(ready[at].data.ptr);
}

/* Seconds that were measured. */
static double measure(struct run *run, struct client *clients) {
    uint64_t start = now_ns() + (uint64_t)(run->plan.warmup * NS_PER_SECOND);
    uint64_t end = start + (uint64_t)(run->plan.seconds * NS_PER_SECOND);
    uint64_t due = now_ns(), began = start, now;
    while ((now = now_ns()) < end && !run->finished) {
        if (!run->measuring && now >= start) {
            run->measuring = true;
            began = now;
        }
        uint64_t wake = earlier(end, now + LONGEST_WAIT);
        if (run->plan.rate > 0) {
            due = ask_what_is_due(run, clients, due);
            /* A request that is late because all connections are busy goes with the answer that frees one. */
            wake = due > now_ns() ? earlier(wake, due) : wake;
        }
        drive_ready(run, wake);
    }
    return (double)(now_ns() - began) / (double)NS_PER_SECOND;
}

static void print_times(const char *name, struct samples *samples) {
    samples_sort(samples);
    printf(", \"%s\": {\"count\": %zu, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}", name, samples->count,
           samples_at(samples, 0.5), samples_at(samples, 0.99), samples_at(samples, 1));
}

static void report(struct run *run, double seconds) {
    printf("{\"seconds\": %.4f, \"answers\": %lu, \"refusals\": %lu, \"faults\": %lu, \"first_fault\": \"%s\"", seconds,
           run->answers, run->refusals, run->faults, run->first_fault ? run->first_fault : "");
    printf(", \"all_answers\": %lu, \"bytes_in\": %lu, \"bytes_out\": %lu", run->all_answers, run->bytes_in, run->bytes_out);
    print_times("times_us", &run->times);
    print_times("delays_us", &run->delays);
    printf("}\n");
}

int main(int count, char **arguments) {
    struct run run = {.plan = read_plan(count, arguments), .tls = client_context(), .epoll = epoll_create1(EPOLL_CLOEXEC)};
    signal(SIGPIPE, SIG_IGN);
    struct client *clients = open_clients(&run);
    double seconds = measure(&run, clients);
    report(&run, seconds);
    return 0;
}
