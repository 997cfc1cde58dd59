/* Measured times, kept one by one so that percentiles are exact. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
    uint64_t *values;
    size_t count;
    size_t room;
};

void samples_add(struct samples *samples, uint64_t nanoseconds);
void samples_sort(struct samples *samples);

/* In microseconds; `share` from 0 to 1. Of sorted samples; 0 where there are none. */
double samples_at(const struct samples *samples, double share);

#endif
