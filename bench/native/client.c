#include "client.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MOST_FAULTS 100
#define PIECE 65536

static char incoming[PIECE];
static char filler[PIECE];

static void ask_next(struct client *client);

static void fail(struct client *client, const char *why) {
    struct run *run = client->run;
    run->faults++;
    if (!run->first_fault)
        run->first_fault = why;
    if (run->faults >= MOST_FAULTS)
        run->finished = true;
    stream_close(&client->stream, true);
    client->phase = OVER;
    if (!run->finished)
        client_open(client);
}

/* --- opening --- */

static void watch(struct client *client) {
    /* Edge-triggered for both directions, once: no further call while the connection lives. */
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    epoll_ctl(client->run->epoll, EPOLL_CTL_ADD, client->stream.fd, &wanted);
}

void client_open(struct client *client) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)client->run->plan.port)};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->stream = (struct stream){socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), NULL};
    client->began = now_ns();
    client->sent = 0;
    client->phase = OPENING;
    set_nodelay(client->stream.fd);
    if (connect(client->stream.fd, (struct sockaddr *)&place, sizeof place) < 0 && errno != EINPROGRESS)
        fail(client, "connect");
    else
        watch(client);
}

static void put_on_tls(struct client *client) {
    stream_put_on_tls(&client->stream, client->run->tls);
    SSL_set_connect_state(client->stream.ssl);
    SSL_set_tlsext_host_name(client->stream.ssl, client->run->plan.server_name);
    client->phase = SHAKING_HANDS;
}

static bool opened(struct client *client) {
    int fault = 0;
    socklen_t size = sizeof fault;
    struct sockaddr_in peer;
    getsockopt(client->stream.fd, SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault) {
        fail(client, "connect");
        return false;
    }
    size = sizeof peer;
    if (getpeername(client->stream.fd, (struct sockaddr *)&peer, &size) < 0)
        return false;
    client->phase = ASKING_FOR_TUNNEL;
    if (!client->run->plan.connect.size)
        put_on_tls(client);
    return true;
}

/* Whether all of `text` is out; `sent` counts. */
static bool push(struct client *client, const struct text *text) {
    while (client->sent < text->size) {
        ssize_t done = stream_write(&client->stream, text->bytes + client->sent, text->size - client->sent);
        if (done < 0)
            fail(client, "send");
        if (done <= 0)
            return false;
        client->sent += (size_t)done;
    }
    return true;
}

static bool asked_for_tunnel(struct client *client) {
    if (!push(client, &client->run->plan.connect))
        return false;
    message_begin(&client->answer, ANSWER);
    client->phase = AWAITING_TUNNEL;
    return true;
}

static bool tunnel_opened(struct client *client) {
    /* No more than the head is read: what follows it belongs to TLS, but nothing does before we speak. */
    ssize_t size = stream_read(&client->stream, incoming, MESSAGE_HEAD_ROOM / 2);
    if (size == STREAM_LATER)
        return false;
    if (size < 0) {
        fail(client, "tunnel");
        return false;
    }
    message_feed(&client->answer, incoming, (size_t)size);
    if (!client->answer.head_done)
        return true;
    if (message_status(&client->answer) != 200) {
        fail(client, "tunnel refused");
        return false;
    }
    put_on_tls(client);
    return true;
}

static bool hands_shaken(struct client *client) {
    int done = stream_handshake(&client->stream);
    if (done == STREAM_BROKEN)
        fail(client, "handshake");
    if (done != 1)
        return false;
    client->phase = IDLE;
    if (client->run->plan.fresh)
        client_ask(client, client->began);
    else
        ask_next(client);
    return false;
}

/* --- asking --- */

/* Six digits from 100000 on. Agents ask for one thing after the other; a server that remembers the last request byte
 * for byte must gain nothing by it. */
static void write_number(char *place, long count) {
    long number = 100000 + count % 900000;
    for (int at = 5; at >= 0; at--, number /= 10)
        place[at] = (char)('0' + number % 10);
}

void client_ask(struct client *client, uint64_t due) {
    struct run *run = client->run;
    if (run->plan.requests && run->asked >= run->plan.requests) {
        client->phase = OVER;
        return;
    }
    run->asked++;
    if (run->plan.number)
        write_number(run->plan.number, run->asked);
    client->began = due;
    client->sent = 0;
    client->body_left = run->plan.body;
    client->line_size = 0;
    message_begin(&client->answer, ANSWER);
    client->phase = SENDING;
    client_drive(client);
}

/* At a given rate the main loop asks. */
static void ask_next(struct client *client) {
    if (client->run->plan.rate == 0)
        client_ask(client, now_ns());
}

static bool push_body(struct client *client) {
    while (client->body_left > 0) {
        size_t size = client->body_left < PIECE ? (size_t)client->body_left : PIECE;
        ssize_t done = stream_write(&client->stream, filler, size);
        if (done < 0)
            fail(client, "send the body");
        if (done <= 0)
            return false;
        client->body_left -= done;
        if (client->run->measuring)
            client->run->bytes_out += (uint64_t)done;
    }
    return true;
}

static void request_sent(struct client *client) {
    if (push(client, &client->run->plan.request) && push_body(client))
        client->phase = RECEIVING;
    /* No read now: the answer comes later than this and wakes us by itself. */
}

/* --- answers --- */

static void count(struct client *client) {
    struct run *run = client->run;
    int status = message_status(&client->answer);
    run->all_answers++;
    if (!run->measuring)
        return;
    samples_add(&run->times, now_ns() - client->began);
    run->answers++;
    if (status < 200 || status > 299)
        run->refusals++;
}

static void answered(struct client *client) {
    struct run *run = client->run;
    count(client);
    if (run->plan.requests && run->asked >= run->plan.requests && run->plan.connections == 1)
        run->finished = true;
    if (run->plan.fresh || client->answer.close_after) {
        stream_close(&client->stream, run->plan.fresh);
        client_open(client);
        return;
    }
    client->phase = IDLE;
    ask_next(client);
}

static void received(struct client *client) {
    for (;;) {
        ssize_t size = stream_read(&client->stream, incoming, sizeof incoming);
        if (size == STREAM_LATER)
            return;
        if (size < 0) {
            fail(client, "receive");
            return;
        }
        enum message_progress progress = message_feed(&client->answer, incoming, (size_t)size);
        if (progress == MESSAGE_BAD)
            fail(client, "framing");
        if (progress == MESSAGE_DONE)
            answered(client);
        if (progress != MESSAGE_MORE)
            return;
    }
}

void client_drive(struct client *client) {
    bool goes_on = true;
    while (goes_on) {
        switch (client->phase) {
        case OPENING: goes_on = opened(client); break;
        case ASKING_FOR_TUNNEL: goes_on = asked_for_tunnel(client); break;
        case AWAITING_TUNNEL: goes_on = tunnel_opened(client); break;
        case SHAKING_HANDS: goes_on = hands_shaken(client); break;
        case SENDING: request_sent(client); return;
        case RECEIVING: received(client); return;
        default: return;
        }
    }
}
