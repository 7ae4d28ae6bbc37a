package main

import (
	"bytes"
	"strconv"
)

// A dialect is how a kind of server is spoken to. Members tell it what they hear; it tells them what that means.
type dialect interface {
	opened(m *member)
	heard(m *member, payload []byte)
	send(m *member, number int, text string)
}

var dialects = map[string]dialect{
	"chat":       chat{},
	"socketio":   socketIO{},
	"centrifugo": centrifugo{},
	"tinode":     tinode{},
	"raw":        raw{},
}

const (
	mark   = "@@" // Stands before the number in every text, and nowhere else.
	digits = 10
	filler = "The quick brown fox jumps over the lazy dog, and back again."
)

// textOf is what message number says.
func textOf(number int) string {
	figures := strconv.Itoa(number)
	return mark + "0000000000"[len(figures):] + figures + " " + filler
}

// numberOf finds the number of the message in a frame; -1 when it holds none.
func numberOf(payload []byte) int {
	at := bytes.Index(payload, []byte(mark))
	if at < 0 || at+len(mark)+digits > len(payload) {
		return -1
	}
	number := 0
	for _, digit := range payload[at+len(mark) : at+len(mark)+digits] {
		number = number*10 + int(digit-'0')
	}
	return number
}

// leading reads the decimal number at the start; -1 when there is none.
func leading(payload []byte) int {
	number, end := 0, 0
	for end < len(payload) && payload[end] >= '0' && payload[end] <= '9' {
		number = number*10 + int(payload[end]-'0')
		end++
	}
	if end == 0 {
		return -1
	}
	return number
}

// after is what follows the first occurrence of a word; nil when there is none.
func after(payload []byte, word string) []byte {
	_, rest, found := bytes.Cut(payload, []byte(word))
	if !found {
		return nil
	}
	return rest
}
