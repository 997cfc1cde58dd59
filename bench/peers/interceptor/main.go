// interceptor: the least that an intercepting proxy is when written with Go's net/http, to be measured against.
//
// It answers CONNECT, shows a certificate for that host, and passes requests on over kept connections to upstreams
// whose certificates it verifies. It judges nothing and records nothing.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// authority signs a leaf for each host once; all leaves share one key.
type authority struct {
	signer tls.Certificate
	parent *x509.Certificate
	key    *ecdsa.PrivateKey
	mutex  sync.Mutex
	leaves map[string]*tls.Certificate
}

func newAuthority(certificate, key string) (*authority, error) {
	signer, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	parent, err := x509.ParseCertificate(signer.Certificate[0])
	if err != nil {
		return nil, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return &authority{signer: signer, parent: parent, key: own, leaves: map[string]*tls.Certificate{}}, err
}

func (a *authority) leaf(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if found := a.leaves[hello.ServerName]; found != nil {
		return found, nil
	}
	made, err := a.sign(hello.ServerName)
	if err == nil {
		a.leaves[hello.ServerName] = made
	}
	return made, err
}

func (a *authority) sign(host string) (*tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.parent, a.key.Public(), a.signer.PrivateKey.(crypto.Signer))
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}, nil
}

// one is a listener that has a single connection to give, and then waits until that is closed.
type one struct {
	conn   net.Conn
	given  bool
	closed chan struct{}
	once   sync.Once
}

func (o *one) Accept() (net.Conn, error) {
	if !o.given {
		o.given = true
		return &watched{o.conn, o}, nil
	}
	<-o.closed
	return nil, errors.New("no more")
}

func (o *one) Close() error   { return nil }
func (o *one) Addr() net.Addr { return o.conn.LocalAddr() }

type watched struct {
	net.Conn
	listener *one
}

func (w *watched) Close() error {
	w.listener.once.Do(func() { close(w.listener.closed) })
	return w.Conn.Close()
}

// tunnel shakes hands as the host that CONNECT named and serves requests until the client leaves.
func tunnel(plain net.Conn, config *tls.Config, pass http.Handler) {
	secure := tls.Server(plain, config)
	listener := &one{conn: secure, closed: make(chan struct{})}
	server := &http.Server{Handler: pass, ErrorLog: log.New(os.Stderr, "", 0)}
	_ = server.Serve(listener) // it always ends with "no more"
}

func main() {
	listen := flag.String("listen", "", "address and port")
	certificate := flag.String("certificate", "", "the authority's, PEM")
	key := flag.String("key", "", "the authority's key, PEM")
	trust := flag.String("trust", "", "the upstreams' authority, PEM")
	resolve := flag.String("resolve", "", "host:443=address:port, separated by commas")
	flag.Parse()

	signer, err := newAuthority(*certificate, *key)
	if err != nil {
		log.Fatal(err)
	}
	pem, err := os.ReadFile(*trust)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	handler := &interceptor{
		config: &tls.Config{GetCertificate: signer.leaf, NextProtos: []string{"http/1.1"}},
		pass:   passing(roots, pins(*resolve)),
	}
	log.Fatal((&http.Server{Addr: *listen, Handler: handler}).ListenAndServe())
}

func pins(text string) map[string]string {
	found := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		if name, place, ok := strings.Cut(pair, "="); ok {
			found[name] = place
		}
	}
	return found
}
