#include "samples.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 65536

static void grow(struct samples *samples) {
    samples->room = samples->room ? samples->room * 2 : FIRST_ROOM;
    samples->values = realloc(samples->values, samples->room * sizeof *samples->values);
    if (!samples->values) {
        perror("samples");
        exit(1);
    }
}

void samples_add(struct samples *samples, uint64_t nanoseconds) {
    if (samples->count == samples->room)
        grow(samples);
    samples->values[samples->count++] = nanoseconds;
}

static int compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

void samples_sort(struct samples *samples) {
    if (samples->count)
        qsort(samples->values, samples->count, sizeof *samples->values, compare);
}

double samples_at(const struct samples *samples, double share) {
    if (!samples->count)
        return 0;
    size_t index = (size_t)(share * (double)samples->count);
    if (index >= samples->count)
        index = samples->count - 1;
    return (double)samples->values[index] / 1000.0;
}
