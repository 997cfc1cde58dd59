#define _GNU_SOURCE
#include "listener.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define LONGEST_LIFE 3600

void die(const char *why) {
    fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

void live_for_a_while(void) {
    signal(SIGPIPE, SIG_IGN);
    alarm(LONGEST_LIFE);
}

bool stdin_ended(void) {
    char nothing[64];
    return read(STDIN_FILENO, nothing, sizeof nothing) <= 0;
}

int listen_on_loopback(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in place = {.sin_family = AF_INET};
    socklen_t size = sizeof place;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&place, size) < 0 || listen(fd, BACKLOG) < 0)
        die("cannot listen on 127.0.0.1");
    getsockname(fd, (struct sockaddr *)&place, &size);
    printf("%d\n", ntohs(place.sin_port));
    fflush(stdout);
    return fd;
}
