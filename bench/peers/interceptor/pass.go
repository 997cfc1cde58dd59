package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httputil"
	"time"
)

const connectionsKept = 512

// interceptor takes CONNECT over and hands the requests inside to pass.
type interceptor struct {
	config *tls.Config
	pass   http.Handler
}

func (i *interceptor) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodConnect {
		http.Error(answer, "this proxy answers CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	plain, _, err := answer.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := plain.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		plain.Close()
		return
	}
	tunnel(plain, i.config, i.pass)
}

// passing sends requests on to the host that they name, over connections that are kept.
func passing(roots *x509.CertPool, pins map[string]string) http.Handler {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if place, ok := pins[address]; ok {
				address = place
			}
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		MaxIdleConnsPerHost: connectionsKept,
		ReadBufferSize:      bufferSize,
		WriteBufferSize:     bufferSize,
		DisableCompression:  true,
	}
	return &httputil.ReverseProxy{
		Director: func(request *http.Request) {
			request.URL.Scheme = "https"
			request.URL.Host = request.Host
			request.Header["X-Forwarded-For"] = nil
		},
		Transport:  transport,
		BufferPool: &buffers{},
	}
}
