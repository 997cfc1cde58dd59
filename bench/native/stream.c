#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AHEAD 65536

static ssize_t plain_result(ssize_t done) {
    if (done > 0)
        return done;
    if (done == 0)
        return STREAM_ENDED;
    return errno == EAGAIN ? STREAM_LATER : STREAM_BROKEN;
}

static ssize_t tls_result(struct stream *stream, int result, size_t done) {
    if (result == 1)
        return (ssize_t)done;
    int why = SSL_get_error(stream->ssl, result);
    /* OpenSSL reads this queue at the next call, of whatever connection: an old entry would be taken for a new one. */
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return STREAM_LATER;
    return why == SSL_ERROR_ZERO_RETURN ? STREAM_ENDED : STREAM_BROKEN;
}

ssize_t stream_read(struct stream *stream, void *into, size_t room) {
    if (!stream->ssl)
        return plain_result(read(stream->fd, into, room));
    size_t done = 0;
    int result = SSL_read_ex(stream->ssl, into, room, &done);
    return tls_result(stream, result, done);
}

ssize_t stream_write(struct stream *stream, const void *data, size_t size) {
    if (!stream->ssl)
        return plain_result(send(stream->fd, data, size, MSG_NOSIGNAL));
    size_t done = 0;
    int result = SSL_write_ex(stream->ssl, data, size, &done);
    return tls_result(stream, result, done);
}

int stream_handshake(struct stream *stream) {
    return (int)tls_result(stream, SSL_do_handshake(stream->ssl), 1);
}

void stream_put_on_tls(struct stream *stream, SSL_CTX *context) {
    stream->ssl = SSL_new(context);
    SSL_set_fd(stream->ssl, stream->fd);
}

void stream_close(struct stream *stream, bool reset) {
    if (stream->ssl) {
        SSL_free(stream->ssl);
        stream->ssl = NULL;
    }
    if (stream->fd < 0)
        return;
    if (reset) {
        struct linger at_once = {1, 0};
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(stream->fd);
    stream->fd = -1;
}

void prepare_context(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_AHEAD);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

void set_nodelay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
