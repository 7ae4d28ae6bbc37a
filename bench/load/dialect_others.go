package main

import (
	"bytes"
	"fmt"
	"time"
)

// centrifugo speaks its JSON protocol, in which a frame holds one reply a line.
type centrifugo struct{}

const (
	cfConnect, cfSubscribe, cfFirst = 1, 2, 3 // Ids of commands: those of messages from the last on.
)

func (centrifugo) opened(m *member) { m.say(fmt.Sprintf(`{"id":%d,"connect":{}}`, cfConnect)) }

func (c centrifugo) heard(m *member, payload []byte) {
	for line := range bytes.SplitSeq(payload, []byte("\n")) {
		c.line(m, line)
	}
}

func (centrifugo) line(m *member, line []byte) {
	switch {
	case len(line) == 0:
	case bytes.Equal(line, []byte("{}")):
		m.say("{}")
	case bytes.HasPrefix(line, []byte(`{"push":`)):
		if number := numberOf(line); number >= 0 {
			m.delivered(number)
		}
	case bytes.HasPrefix(line, []byte(`{"id":`)) && !bytes.Contains(line, []byte(`"error":`)):
		switch id := leading(after(line, `"id":`)); id {
		case cfConnect:
			m.say(fmt.Sprintf(`{"id":%d,"subscribe":{"channel":%q}}`, cfSubscribe, m.room.ID))
		case cfSubscribe:
			m.ready()
		default:
			m.acked(id - cfFirst)
		}
	default:
		m.refused(line)
	}
}

func (centrifugo) send(m *member, number int, text string) {
	m.say(fmt.Sprintf(`{"id":%d,"publish":{"channel":%q,"data":{"text":%q}}}`, number+cfFirst, m.room.ID, text))
}

// tinode speaks its JSON protocol. Tokens of the plan are those of its log-in by token, rooms are topics.
type tinode struct{}

const (
	tnHi, tnLogin, tnSub, tnFirst = 1, 2, 3, 4
)

func (tinode) opened(m *member) {
	m.say(fmt.Sprintf(`{"hi":{"id":"%d","ver":"0.22","ua":"load"}}`, tnHi))
}

func (tinode) enter(m *member) {
	m.say(fmt.Sprintf(`{"sub":{"id":"%d","topic":%q}}`, tnSub, m.room.ID))
}

func (t tinode) heard(m *member, payload []byte) {
	switch {
	case bytes.HasPrefix(payload, []byte(`{"data":`)):
		m.delivered(numberOf(payload))
	case bytes.HasPrefix(payload, []byte(`{"ctrl":`)):
		id, code := leading(after(payload, `"id":"`)), leading(after(payload, `"code":`))
		switch {
		case id == tnSub && code == 503: // Locked: the topic is just being loaded.
			m.crowd.loop.after(50*time.Millisecond, func() { t.enter(m) })
		case code >= 300:
			m.refused(payload)
		case id == tnHi:
			m.say(fmt.Sprintf(`{"login":{"id":"%d","scheme":"token","secret":%q}}`, tnLogin, m.token))
		case id == tnLogin:
			t.enter(m)
		case id == tnSub:
			m.ready()
		case id >= tnFirst:
			m.acked(id - tnFirst)
		}
	}
}

func (tinode) send(m *member, number int, text string) {
	m.say(fmt.Sprintf(`{"pub":{"id":"%d","topic":%q,"content":%q}}`, number+tnFirst, m.room.ID, text))
}

// raw speaks to the broadcaster, which hands on what it gets: one's own message is the acknowledgement.
type raw struct{}

func (raw) opened(m *member) { m.ready() }

func (raw) heard(m *member, payload []byte) {
	number := numberOf(payload)
	m.delivered(number)
	if m.room.members[0] == m {
		m.acked(number)
	}
}

func (raw) send(m *member, _ int, text string) { m.say(`{"text":"` + text + `"}`) }
