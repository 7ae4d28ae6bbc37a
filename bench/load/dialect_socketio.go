package main

import (
	"bytes"
	"fmt"
)

// Engine.IO puts one figure before every packet, Socket.IO one more before those that are messages.
const (
	eioOpen, eioPing         = '0', '2'
	sioConnect               = "40"
	sioEvent, sioAck         = "42", "43"
	joinNumber, firstNumber  = 0, 1 // Numbers of acknowledgements: that of the join, and those of messages from here on.
	sioConnectError, hardEnd = "44", "41"
)

// socketIO speaks to servers with the handlers of the documentation: join a room, send to it, be acknowledged.
type socketIO struct{}

func (socketIO) opened(*member) {}

func (socketIO) heard(m *member, payload []byte) {
	switch {
	case payload[0] == eioOpen:
		m.say(sioConnect)
	case payload[0] == eioPing:
		m.say("3")
	case bytes.HasPrefix(payload, []byte(sioEvent)):
		m.delivered(numberOf(payload))
	case bytes.HasPrefix(payload, []byte(sioAck)):
		if number := leading(payload[len(sioAck):]); number == joinNumber {
			m.ready()
		} else {
			m.acked(number - firstNumber)
		}
	case bytes.HasPrefix(payload, []byte(sioConnect)):
		m.say(fmt.Sprintf(`%s%d["join",%q]`, sioEvent, joinNumber, m.room.ID))
	default:
		m.refused(payload)
	}
}

func (socketIO) send(m *member, number int, text string) {
	m.say(fmt.Sprintf(`%s%d["send",{"room":%q,"text":%q}]`, sioEvent, number+firstNumber, m.room.ID, text))
}

// chat speaks Socket.IO as this platform does: by token, with a place to resume from.
type chat struct{}

func (chat) opened(*member) {}

func (chat) heard(m *member, payload []byte) {
	switch {
	case payload[0] == eioOpen:
		m.say(sioConnect + `{"token":"` + m.token + `"` + placeOf(m) + `}`)
	case payload[0] == eioPing:
		m.say("3")
	case bytes.HasPrefix(payload, []byte(`42["message-new",`)):
		m.at = max(m.at, leading(after(payload, `"pos":`)))
		m.delivered(numberOf(payload))
	case bytes.HasPrefix(payload, []byte(`42["hello",`)):
		m.userAt = leading(after(payload, `"user_pos":`))
		if m.at == 0 {
			m.at = max(0, leading(after(payload, `"`+m.room.ID+`":`)))
		}
		m.ready()
	case bytes.HasPrefix(payload, []byte(sioAck)):
		if bytes.Contains(payload, []byte(`"ok":true`)) {
			m.acked(leading(payload[len(sioAck):]) - firstNumber)
		} else {
			m.refused(payload)
		}
	case bytes.HasPrefix(payload, []byte(sioConnectError)), bytes.HasPrefix(payload, []byte(hardEnd)):
		m.refused(payload)
	case bytes.HasPrefix(payload, []byte(`42["resync-required"`)):
		m.refused(payload)
	}
}

func (chat) send(m *member, number int, text string) {
	m.say(fmt.Sprintf(`%s%d["send-message",{"conversation_id":%q,"text":%q}]`, sioEvent, number+firstNumber, m.room.ID, text))
}

func placeOf(m *member) string {
	if !m.wasReady {
		return ""
	}
	return fmt.Sprintf(`,"resume":{"user_pos":%d,"positions":{%q:%d}}`, m.userAt, m.room.ID, m.at)
}
