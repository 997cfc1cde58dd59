/* A non-blocking TCP connection on loopback: plain bytes, or TLS once it was put on. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

struct stream {
    int fd;
    SSL *ssl;
};

enum { STREAM_LATER = 0, STREAM_ENDED = -1, STREAM_BROKEN = -2 };

/* Bytes read or written, or one of the above. */
ssize_t stream_read(struct stream *stream, void *into, size_t room);
ssize_t stream_write(struct stream *stream, const void *data, size_t size);

/* 1 when the handshake is done, STREAM_LATER or STREAM_BROKEN. */
int stream_handshake(struct stream *stream);

void stream_put_on_tls(struct stream *stream, SSL_CTX *context);

/* `reset` sends RST instead of FIN, so that thousands of short connections leave no port in TIME_WAIT. */
void stream_close(struct stream *stream, bool reset);

/* Settings that both ends want: partial writes, and as few reads from the socket as possible. */
void prepare_context(SSL_CTX *context);

void set_nodelay(int fd);

#endif
