package main

import (
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

const (
	quietAfter = 5 * time.Second        // Without anything new, what is missing by then is lost.
	lookEvery  = 20 * time.Millisecond  // How often it is asked whether all is there.
	lead       = 100 * time.Millisecond // Before the first message.
)

// talk sends by a schedule: a late answer delays nothing, and a latency counts from when the message was due.
type talk struct {
	strict
	crowd     *crowd
	rooms     []*room
	rate      float64
	count     int
	start     int64
	sent      int
	answered  int
	refusals  int
	arrived   int
	expected  int
	cpu       float64
	deliver   *hdrhistogram.Histogram
	ack       *hdrhistogram.Histogram
	late      *hdrhistogram.Histogram
	lastThing int64
}

func startTalk(c *crowd, asked command) {
	rooms := c.rooms
	if asked.Rooms > 0 {
		rooms = rooms[:min(asked.Rooms, len(rooms))]
	}
	t := &talk{
		crowd: c, rooms: rooms, rate: asked.Rate, count: int(math.Ceil(asked.Rate * asked.Seconds)),
		deliver: histogram(), ack: histogram(), late: histogram(),
	}
	for place, r := range rooms {
		count := t.count / len(rooms)
		if place < t.count%len(rooms) {
			count++
		}
		r.place, r.first = place, r.next
		for _, m := range r.members {
			if !m.isReady {
				fail("room %s is not connected", r.ID)
			}
			m.seen = newSeen(r.next, count)
			t.expected += count
		}
	}
	c.tell = t
	t.cpu = cpuSeconds()
	t.start = now() + int64(lead)
	c.loop.at(t.start, t.sendDue)
	c.loop.after(lookEvery, t.look)
}

// due is when a message of the run is to be sent.
func (t *talk) due(turn int) int64 { return t.start + int64(float64(turn)/t.rate*1e9) }

// dueOf is the same by room and number.
func (t *talk) dueOf(r *room, number int) int64 {
	return t.due((number-r.first)*len(t.rooms) + r.place)
}

func (t *talk) sendDue() {
	for t.sent < t.count {
		due := t.due(t.sent)
		at := now()
		if due > at {
			t.crowd.loop.at(due, t.sendDue)
			return
		}
		record(t.late, at-due)
		r := t.rooms[t.sent%len(t.rooms)]
		t.crowd.dialect.send(r.members[0], r.next, textOf(r.next))
		r.next++
		t.sent++
	}
}

func (t *talk) acked(m *member, number int) {
	if number >= m.room.first {
		record(t.ack, now()-t.dueOf(m.room, number))
		t.answered++
	}
}

func (t *talk) delivered(m *member, number int) {
	if m.seen.add(number) {
		at := now()
		record(t.deliver, at-t.dueOf(m.room, number))
		t.arrived++
		t.lastThing = at
	}
}

func (t *talk) refused(_ *member, reason error) {
	if t.refusals++; t.refusals == 1 {
		warn(reason)
	}
}

func (t *talk) look() {
	at := now()
	complete := t.sent == t.count && t.arrived == t.expected && t.answered+t.refusals >= t.count
	stalled := t.sent == t.count && at-max(t.lastThing, t.due(t.count)) > int64(quietAfter)
	if !complete && !stalled {
		t.crowd.loop.after(lookEvery, t.look)
		return
	}
	t.crowd.tell = strict{}
	answer(t.figures())
}

type figures struct {
	Offered    float64 `json:"offered"`
	Sent       int     `json:"sent"`
	Acked      int     `json:"acked"`
	Refused    int     `json:"refused"`
	Delivered  int     `json:"delivered"`
	Missing    int     `json:"missing"`
	Duplicated int     `json:"duplicated"`
	Reordered  int     `json:"reordered"`
	P50        int64   `json:"p50_us"`
	P90        int64   `json:"p90_us"`
	P99        int64   `json:"p99_us"`
	P999       int64   `json:"p999_us"`
	AckP50     int64   `json:"ack_p50_us"`
	AckP99     int64   `json:"ack_p99_us"`
	LateP99    int64   `json:"late_p99_us"` // How long after its time a message was sent.
	CPU        float64 `json:"cpu_s"`       // Of this generator.
	Wall       float64 `json:"wall_s"`
}

func (t *talk) figures() figures {
	found := figures{
		Offered: t.rate, Sent: t.sent, Acked: t.answered, Refused: t.refusals, Delivered: t.arrived,
		Missing: t.expected - t.arrived, CPU: cpuSeconds() - t.cpu,
		P50: t.deliver.ValueAtQuantile(50), P90: t.deliver.ValueAtQuantile(90), P99: t.deliver.ValueAtQuantile(99),
		P999: t.deliver.ValueAtQuantile(99.9), AckP50: t.ack.ValueAtQuantile(50), AckP99: t.ack.ValueAtQuantile(99),
		LateP99: t.late.ValueAtQuantile(99), Wall: time.Duration(max(t.lastThing, t.start+1) - t.start).Seconds(),
	}
	for _, r := range t.rooms {
		for _, m := range r.members {
			found.Duplicated += m.seen.duplicated
			found.Reordered += m.seen.reorder
		}
	}
	return found
}

// histogram is of microseconds, up to five minutes.
func histogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 300_000_000, 3) }

func record(h *hdrhistogram.Histogram, nanoseconds int64) { h.RecordValue(max(nanoseconds/1000, 1)) }

func cpuSeconds() float64 {
	var used unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}
