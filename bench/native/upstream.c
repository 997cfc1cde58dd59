/* upstream: a small HTTPS server on 127.0.0.1 for measuring what stands before it.
 *
 *   upstream CERTIFICATE KEY      prints its port on stdout, ends when its stdin does
 *
 * One thread, edge-triggered epoll. A connection reads a request, writes its answer, and reads the next. */
#define _GNU_SOURCE
#include "answers.h"
#include "clock.h"
#include "listener.h"
#include "message.h"
#include "stream.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 512
#define PIECE 65536
#define EVENT_INTERVAL (NS_PER_SECOND / 50)
#define MOST_EVENTS 3000

struct connection {
    struct stream stream;
    struct message request;
    struct answer answer;
    size_t sent; /* bytes of the answer's text */
    bool answering;
    int events_left;
    struct connection *next_of_events, *previous_of_events; /* among those that stream events */
};

struct server {
    int listener, epoll;
    SSL_CTX *tls;
    struct connection events; /* the ring's own link */
    uint64_t next_event;
};

static char incoming[PIECE];
static char filler[PIECE];
static int listener_mark, stdin_mark; /* what epoll says of those that are no connections */

static void leave_events(struct connection *connection) {
    if (!connection->next_of_events)
        return;
    connection->next_of_events->previous_of_events = connection->previous_of_events;
    connection->previous_of_events->next_of_events = connection->next_of_events;
    connection->next_of_events = NULL;
}

static void join_events(struct server *server, struct connection *connection) {
    connection->events_left = MOST_EVENTS;
    connection->next_of_events = server->events.next_of_events;
    connection->previous_of_events = &server->events;
    connection->next_of_events->previous_of_events = connection;
    server->events.next_of_events = connection;
}

static void forget(struct connection *connection) {
    leave_events(connection);
    stream_close(&connection->stream, false);
    free(connection);
}

/* --- answers --- */

/* Bytes written, or what stream_write says. */
static ssize_t write_piece(struct connection *connection) {
    struct answer *answer = &connection->answer;
    if (connection->sent < answer->size) {
        ssize_t done = stream_write(&connection->stream, answer->text + connection->sent, answer->size - connection->sent);
        connection->sent += done > 0 ? (size_t)done : 0;
        return done;
    }
    size_t size = answer->filler < PIECE ? (size_t)answer->filler : PIECE;
    ssize_t done = stream_write(&connection->stream, filler, size);
    answer->filler -= done > 0 ? done : 0;
    return done;
}

static bool is_out(const struct connection *connection) {
    return connection->sent == connection->answer.size && connection->answer.filler == 0;
}

/* False where the connection is no more. */
static bool write_answer(struct server *server, struct connection *connection) {
    while (!is_out(connection)) {
        ssize_t done = write_piece(connection);
        if (done == STREAM_LATER)
            return true;
        if (done < 0) {
            forget(connection);
            return false;
        }
    }
    connection->answering = false;
    message_begin(&connection->request, REQUEST);
    if (connection->answer.is_events)
        join_events(server, connection);
    return true;
}

static void send_event(struct connection *connection) {
    char event[96];
    size_t size = write_event(event, sizeof event);
    /* Whoever does not take an event of a few bytes at once has stopped reading. */
    if (connection->events_left-- == 0 || stream_write(&connection->stream, event, size) != (ssize_t)size)
        forget(connection);
}

static void send_due_events(struct server *server) {
    if (now_ns() < server->next_event)
        return;
    server->next_event = now_ns() + EVENT_INTERVAL;
    struct connection *connection = server->events.next_of_events;
    while (connection != &server->events) {
        struct connection *next = connection->next_of_events;
        send_event(connection);
        connection = next;
    }
}

/* --- requests --- */

static void read_requests(struct server *server, struct connection *connection) {
    for (;;) {
        ssize_t size = stream_read(&connection->stream, incoming, sizeof incoming);
        if (size == STREAM_LATER)
            return;
        enum message_progress progress = size < 0 ? MESSAGE_BAD : message_feed(&connection->request, incoming, (size_t)size);
        if (progress == MESSAGE_BAD) {
            forget(connection);
            return;
        }
        if (progress == MESSAGE_MORE)
            continue;
        choose_answer(connection->request.head, &connection->answer);
        connection->sent = 0;
        connection->answering = true;
        /* No further read now: the next request comes after its answer and wakes us by itself. */
        write_answer(server, connection);
        return;
    }
}

static void drive(struct server *server, struct connection *connection) {
    if (connection->answering && !write_answer(server, connection))
        return;
    if (!connection->answering)
        read_requests(server, connection);
}

/* --- the listener --- */

static void accept_all(struct server *server) {
    int fd;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) {
            close(fd);
            return;
        }
        struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.ptr = connection};
        connection->stream.fd = fd;
        set_nodelay(fd);
        stream_put_on_tls(&connection->stream, server->tls);
        SSL_set_accept_state(connection->stream.ssl); /* SSL_read shakes hands by itself */
        message_begin(&connection->request, REQUEST);
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &wanted);
    }
}

static SSL_CTX *server_context(const char *certificate, const char *key) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    prepare_context(context);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        die("the certificate cannot be read");
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die("the key cannot be read");
    return context;
}

static void watch(struct server *server, int fd, void *mark) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = mark};
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &wanted);
}

/* False when it is time to end. */
static bool handle(struct server *server, void *mark) {
    if (mark == &stdin_mark)
        return !stdin_ended();
    if (mark == &listener_mark)
        accept_all(server);
    else
        drive(server, mark);
    return true;
}

static void serve(struct server *server) {
    struct epoll_event ready[EVENTS_AT_ONCE];
    for (;;) {
        bool streams = server->events.next_of_events != &server->events;
        struct timespec wait = until_ns(server->next_event);
        int count = epoll_pwait2(server->epoll, ready, EVENTS_AT_ONCE, streams ? &wait : NULL, NULL);
        for (int at = 0; at < count; at++)
            if (!handle(server, ready[at].data.ptr))
                return;
        send_due_events(server);
    }
}

int main(int count, char **arguments) {
    if (count != 3)
        die("usage: upstream CERTIFICATE KEY");
    live_for_a_while();
    prepare_answers();
    struct server server = {.epoll = epoll_create1(EPOLL_CLOEXEC), .tls = server_context(arguments[1], arguments[2])};
    server.listener = listen_on_loopback();
    server.events.next_of_events = server.events.previous_of_events = &server.events;
    watch(&server, server.listener, &listener_mark);
    watch(&server, STDIN_FILENO, &stdin_mark);
    serve(&server);
    return 0;
}
