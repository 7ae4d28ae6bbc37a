package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	opText, opClose, opPing = 1, 8, 9
	readAtOnce              = 256 << 10
)

var buffer = make([]byte, readAtOnce) // What was just read, of whichever socket.

// A conn is one WebSocket. Its owner is told of frames and of the end; both come from the loop.
type conn struct {
	loop     *loop
	fd       int
	request  []byte
	upgraded bool
	kept     []byte // The beginning of a frame whose rest has not come yet.
	waiting  []byte // What the kernel did not take yet.
	onOpen   func()
	onFrame  func(payload []byte)
	onEnd    func(reason error)
}

func (c *conn) dial(to unix.Sockaddr, host, target string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(fd, to); err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return err
	}
	c.fd, c.upgraded, c.kept, c.waiting = fd, false, nil, nil
	c.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n", target, host)
	return c.loop.add(fd, unix.EPOLLOUT, c.event)
}

func (c *conn) event(events uint32) {
	if c.request != nil { // The connect has an outcome.
		if code, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); code != 0 {
			c.end(unix.Errno(code))
			return
		}
		request := c.request
		c.request = nil
		c.loop.modify(c.fd, unix.EPOLLIN)
		c.write(request)
		return
	}
	if events&unix.EPOLLOUT != 0 {
		held := c.waiting
		c.waiting = nil
		c.write(held)
		if len(c.waiting) == 0 {
			c.loop.modify(c.fd, unix.EPOLLIN)
		}
	}
	if events&^unix.EPOLLOUT != 0 {
		c.read()
	}
}

func (c *conn) read() {
	n, err := unix.Read(c.fd, buffer)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n == 0 {
		c.end(fmt.Errorf("the connection ended: %v", err))
		return
	}
	data := buffer[:n]
	if len(c.kept) > 0 {
		data = append(c.kept, data...)
	}
	rest := c.take(data)
	if c.fd >= 0 {
		c.kept = append(c.kept[:0:0], rest...)
	}
}

// take reads the upgrade and all whole frames; it returns what is left.
func (c *conn) take(data []byte) []byte {
	if !c.upgraded {
		head, rest, whole := bytes.Cut(data, []byte("\r\n\r\n"))
		if !whole {
			return data
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
			c.end(fmt.Errorf("no upgrade: %q", head))
			return nil
		}
		c.upgraded, data = true, rest
		c.onOpen()
	}
	for c.fd >= 0 {
		op, payload, size := frame(data)
		if size == 0 {
			return data
		}
		data = data[size:]
		switch op {
		case opClose:
			c.end(fmt.Errorf("closed by the server: %q", payload))
		case opPing:
			c.write(framed(0x80|10, payload))
		default:
			c.onFrame(payload)
		}
	}
	return nil
}

// frame is the first of data; size is 0 when it is not whole. Servers do not mask, and none of ours cuts a message.
func frame(data []byte) (op byte, payload []byte, size int) {
	if len(data) < 2 {
		return 0, nil, 0
	}
	length, head := int(data[1]&0x7f), 2
	switch {
	case length == 126 && len(data) >= 4:
		length, head = int(binary.BigEndian.Uint16(data[2:])), 4
	case length == 127 && len(data) >= 10:
		length, head = int(binary.BigEndian.Uint64(data[2:])), 10
	case length >= 126:
		return 0, nil, 0
	}
	if len(data) < head+length {
		return 0, nil, 0
	}
	return data[0] & 0x0f, data[head : head+length], head + length
}

// framed masks with zeros, which is a mask like any other.
func framed(first byte, payload []byte) []byte {
	made := make([]byte, 0, len(payload)+14)
	made = append(made, first)
	switch n := len(payload); {
	case n < 126:
		made = append(made, 0x80|byte(n))
	case n < 1<<16:
		made = binary.BigEndian.AppendUint16(append(made, 0x80|126), uint16(n))
	default:
		made = binary.BigEndian.AppendUint64(append(made, 0x80|127), uint64(n))
	}
	return append(append(made, 0, 0, 0, 0), payload...)
}

func (c *conn) say(text []byte) { c.write(framed(0x80|opText, text)) }

func (c *conn) write(data []byte) {
	if c.fd < 0 {
		return
	}
	if len(c.waiting) > 0 {
		c.waiting = append(c.waiting, data...)
		return
	}
	n, err := unix.Write(c.fd, data)
	if err != nil && err != unix.EAGAIN {
		c.end(err)
		return
	}
	if n = max(n, 0); n < len(data) {
		c.waiting = append(c.waiting, data[n:]...)
		c.loop.modify(c.fd, unix.EPOLLIN|unix.EPOLLOUT)
	}
}

func (c *conn) end(reason error) {
	if c.fd < 0 {
		return
	}
	c.loop.remove(c.fd)
	unix.Close(c.fd)
	c.fd, c.kept, c.waiting, c.request = -1, nil, nil, nil
	c.onEnd(reason)
}
