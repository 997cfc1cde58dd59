#include "events.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

static const char MARK[] = "data: ";

static void line_ended(struct client *client) {
    client->line[client->line_size] = 0;
    if (client->run->measuring && strncmp(client->line, MARK, sizeof MARK - 1) == 0)
        samples_add(&client->run->delays, now_ns() - strtoull(client->line + sizeof MARK - 1, NULL, 10));
    client->line_size = 0;
}

static void read_lines(struct client *client, const char *data, size_t size) {
    for (size_t at = 0; at < size; at++) {
        if (data[at] == '\n')
            line_ended(client);
        else if (client->line_size < sizeof client->line - 1)
            client->line[client->line_size++] = data[at];
    }
}

void take_payload(void *taker, const char *data, size_t size) {
    struct client *client = taker;
    if (client->run->measuring)
        client->run->bytes_in += size;
    if (client->run->plan.events)
        read_lines(client, data, size);
}
