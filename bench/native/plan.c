#define _GNU_SOURCE
#include "plan.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_HEAD 8192
#define NUMBER_MARK "######"
#define MOST_CONNECTIONS 4096
#define LONGEST_SECONDS 600

enum option_name { PORT, CONNECT, REQUEST_HEAD, SERVER_NAME, BODY, CONNECTIONS, SECONDS, WARMUP, RATE, REQUESTS, FRESH,
                   EVENTS };

static const struct option OPTIONS[] = {
    {"port", required_argument, NULL, PORT},
    {"connect", required_argument, NULL, CONNECT},
    {"request", required_argument, NULL, REQUEST_HEAD},
    {"server-name", required_argument, NULL, SERVER_NAME},
    {"body", required_argument, NULL, BODY},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"seconds", required_argument, NULL, SECONDS},
    {"warmup", required_argument, NULL, WARMUP},
    {"rate", required_argument, NULL, RATE},
    {"requests", required_argument, NULL, REQUESTS},
    {"fresh", no_argument, NULL, FRESH},
    {"events", no_argument, NULL, EVENTS},
    {NULL, 0, NULL, 0},
};

static void refuse(const char *why) {
    fprintf(stderr, "load: %s\n", why);
    exit(2);
}

/* Heads come in files: they hold tokens, which do not belong on a command line. */
static struct text read_file(const char *path) {
    struct text text = {malloc(LARGEST_HEAD), 0};
    FILE *file = fopen(path, "rb");
    if (!file || !text.bytes)
        refuse("a head's file cannot be read");
    text.size = fread(text.bytes, 1, LARGEST_HEAD, file);
    fclose(file);
    return text;
}

static void take(struct plan *plan, int name, const char *value) {
    switch (name) {
    case PORT: plan->port = atoi(value); break;
    case CONNECT: plan->connect = read_file(value); break;
    case REQUEST_HEAD: plan->request = read_file(value); break;
    case SERVER_NAME: plan->server_name = value; break;
    case BODY: plan->body = atoll(value); break;
    case CONNECTIONS: plan->connections = atoi(value); break;
    case SECONDS: plan->seconds = atof(value); break;
    case WARMUP: plan->warmup = atof(value); break;
    case RATE: plan->rate = atof(value); break;
    case REQUESTS: plan->requests = atol(value); break;
    case FRESH: plan->fresh = true; break;
    case EVENTS: plan->events = true; break;
    default: refuse("unknown option");
    }
}

struct plan read_plan(int count, char **arguments) {
    struct plan plan = {.connections = 1, .seconds = 1, .server_name = "localhost"};
    int name;
    while ((name = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1)
        take(&plan, name, optarg);
    if (plan.port <= 0 || !plan.request.size)
        refuse("--port and --request are needed");
    plan.number = memmem(plan.request.bytes, plan.request.size, NUMBER_MARK, strlen(NUMBER_MARK));
    if (plan.connections < 1 || plan.connections > MOST_CONNECTIONS)
        refuse("--connections must be from 1 to 4096");
    if (plan.seconds <= 0 || plan.seconds > LONGEST_SECONDS)
        refuse("--seconds must be above 0 and at most 600");
    return plan;
}
