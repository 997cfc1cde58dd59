package main

import "sync"

const bufferSize = 32 * 1024

// buffers gives ReverseProxy memory to copy bodies with, and takes it back.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if found, ok := b.pool.Get().(*[]byte); ok {
		return *found
	}
	return make([]byte, bufferSize)
}

func (b *buffers) Put(buffer []byte) { b.pool.Put(&buffer) }
