/* Time as whole nanoseconds of the monotonic clock, which all processes of one machine share. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ULL

static inline uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* How long a wait may last so that it ends at `when`; zero where that is past. */
static inline struct timespec until_ns(uint64_t when) {
    uint64_t now = now_ns();
    uint64_t left = when > now ? when - now : 0;
    return (struct timespec){(time_t)(left / NS_PER_SECOND), (long)(left % NS_PER_SECOND)};
}

#endif
