/* relay: passes bytes on between clients and one server on 127.0.0.1, and does nothing else.
 *
 *   relay PORT      prints its own port on stdout, ends when its stdin does
 *
 * It is the least that a process between agent and server can cost on a machine: two more times that somebody must be
 * woken on the way there and back. For messages that fit into a socket's buffer; it waits where one does not. */
#define _GNU_SOURCE
#include "listener.h"
#include "stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256
#define PIECE 65536

/* One direction's source; the other end of the pair is where its bytes go. */
struct end {
    int fd;
    struct end *other;
};

static int epoll, server_port;
static char piece[PIECE];
static struct end listener, input;

static void watch(struct end *end) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = end};
    epoll_ctl(epoll, EPOLL_CTL_ADD, end->fd, &wanted);
}

static int connect_to_server(void) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&place, sizeof place) == 0)
        return fd;
    close(fd);
    return -1;
}

static void accept_one(void) {
    int client = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    int server = client < 0 ? -1 : connect_to_server();
    struct end *ends = server < 0 ? NULL : calloc(2, sizeof *ends);
    if (!ends) {
        if (client >= 0)
            close(client);
        return;
    }
    ends[0] = (struct end){client, &ends[1]};
    ends[1] = (struct end){server, &ends[0]};
    set_nodelay(client);
    set_nodelay(server);
    watch(&ends[0]);
    watch(&ends[1]);
}

/* Closing takes both ends out of epoll. Their memory stays until the end of the process: another event for one of them
 * may be at hand, and this process lives for seconds. */
static void hang_up(struct end *end) {
    close(end->fd);
    close(end->other->fd);
    end->fd = end->other->fd = -1;
}

static void pass_on(struct end *end) {
    if (end->fd < 0)
        return;
    ssize_t size = recv(end->fd, piece, PIECE, MSG_DONTWAIT);
    if (size <= 0 || send(end->other->fd, piece, (size_t)size, MSG_NOSIGNAL) != size)
        hang_up(end);
}

static bool handle(struct end *end) {
    if (end == &input)
        return !stdin_ended();
    if (end == &listener)
        accept_one();
    else
        pass_on(end);
    return true;
}

int main(int count, char **arguments) {
    if (count != 2)
        die("usage: relay PORT");
    live_for_a_while();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    server_port = atoi(arguments[1]);
    listener.fd = listen_on_loopback();
    input.fd = STDIN_FILENO;
    watch(&listener);
    watch(&input);
    for (;;) {
        struct epoll_event ready[EVENTS_AT_ONCE];
        int found = epoll_wait(epoll, ready, EVENTS_AT_ONCE, -1);
        for (int at = 0; at < found; at++)
            if (!handle(ready[at].data.ptr))
                return 0;
    }
}
