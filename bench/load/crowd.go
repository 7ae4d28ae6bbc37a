package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const atOnce = 50 // Handshakes under way.

type plan struct {
	Rooms []struct {
		ID     string   `json:"id"`
		Tokens []string `json:"tokens"`
	} `json:"rooms"`
}

type room struct {
	ID      string
	members []*member
	next    int // The number of the next message.
	place   int // Among the rooms of a run, where its messages are numbered from first on.
	first   int
}

// A member is one socket of one room.
type member struct {
	*conn
	crowd      *crowd
	room       *room
	token      string
	isReady    bool
	wasReady   bool
	at, userAt int // Where a dialect that resumes stands.
	seen       seen
}

func (m *member) say(text string) { m.conn.say([]byte(text)) }

func (m *member) ready() {
	m.isReady, m.wasReady = true, true
	m.crowd.tell.ready(m)
}

func (m *member) acked(number int)     { m.crowd.tell.acked(m, number) }
func (m *member) delivered(number int) { m.crowd.tell.delivered(m, number) }

func (m *member) refused(said []byte) {
	m.crowd.tell.refused(m, fmt.Errorf("refused: %.300s", said))
}

// What goes on at a time hears what members hear.
type listener interface {
	ready(*member)
	ended(*member, error)
	acked(*member, int)
	delivered(*member, int)
	refused(*member, error)
}

type crowd struct {
	loop    *loop
	dialect dialect
	to      unix.Sockaddr
	host    string
	target  string
	rooms   []*room
	members []*member
	tell    listener
}

func newCrowd(l *loop, speaks dialect, target *url.URL, planned plan) (*crowd, error) {
	port, err := strconv.Atoi(target.Port())
	if err != nil {
		return nil, err
	}
	to := &unix.SockaddrInet4{Port: port}
	if _, err := fmt.Sscanf(target.Hostname(), "%d.%d.%d.%d", &to.Addr[0], &to.Addr[1], &to.Addr[2], &to.Addr[3]); err != nil {
		return nil, fmt.Errorf("%s is no address: %w", target.Hostname(), err)
	}
	c := &crowd{loop: l, dialect: speaks, to: to, host: target.Host, target: target.RequestURI(), tell: strict{}}
	for _, planned := range planned.Rooms {
		r := &room{ID: planned.ID}
		for _, token := range planned.Tokens {
			m := &member{crowd: c, room: r, token: token}
			m.conn = &conn{loop: l, fd: -1}
			m.onOpen = func() { speaks.opened(m) }
			m.onFrame = func(payload []byte) { speaks.heard(m, payload) }
			m.onEnd = func(reason error) { m.isReady = false; c.tell.ended(m, reason) }
			r.members = append(r.members, m)
			c.members = append(c.members, m)
		}
		c.rooms = append(c.rooms, r)
	}
	return c, nil
}

// dial begins a handshake. The room may be part of the address.
func (c *crowd) dial(m *member) {
	if err := m.dial(c.to, c.host, strings.ReplaceAll(c.target, "ROOM", m.room.ID)); err != nil {
		c.loop.after(0, func() { c.tell.ended(m, err) })
	}
}

// strict takes nothing amiss but what should not happen between two commands.
type strict struct{}

func (strict) ready(*member)              {}
func (strict) ended(_ *member, e error)   { fail("a socket ended: %v", e) }
func (strict) acked(*member, int)         {}
func (strict) delivered(*member, int)     {}
func (strict) refused(_ *member, e error) { fail("%v", e) }

// connecting opens sockets, some at a time.
type connecting struct {
	strict
	crowd       *crowd
	next, until int
	open        int
	started     int64
}

func (c *crowd) connect(until int) {
	if until == 0 || until > len(c.members) {
		until = len(c.members)
	}
	work := &connecting{crowd: c, until: until, started: now()}
	for work.next < until && c.members[work.next].isReady {
		work.next++
	}
	work.open = work.next
	c.tell = work
	for range min(atOnce, until-work.next) {
		work.one()
	}
	if work.open == until {
		work.done()
	}
}

func (w *connecting) one() {
	w.crowd.dial(w.crowd.members[w.next])
	w.next++
}

func (w *connecting) ready(*member) {
	w.open++
	if w.next < w.until {
		w.one()
	} else if w.open == w.until {
		w.done()
	}
}

func (w *connecting) done() {
	w.crowd.tell = strict{}
	answer(map[string]any{"connected": w.until, "wall_s": time.Duration(now() - w.started).Seconds()})
}
