package main

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	firstRetry = 500 * time.Millisecond // Half of it up to one and a half, and longer each time, as clients do.
	lastRetry  = 2 * time.Second
	growth     = 1.5
)

// storm is how a crowd comes back that has lost its server. The first of each room to be back says something, which
// those who are still away must get too; when all are back each room is told one thing more.
type storm struct {
	strict
	crowd    *crowd
	total    int
	back     int
	tries    map[*member]int
	up       map[*member]bool // Who is back; nobody is away before the drop.
	spoken   map[*room]bool
	opened   int64
	dropped  int64
	most     int64 // When 95 % were back.
	all      int64
	until    int64
	away     int // Deliveries of what was said meanwhile, and of what was said after.
	after    int
	refusals int
	attempts int
	last     int64
}

func startStorm(c *crowd, asked command) {
	s := &storm{crowd: c, total: len(c.members), tries: map[*member]int{}, up: map[*member]bool{}, spoken: map[*room]bool{}}
	s.until = now() + int64(asked.Seconds*1e9)
	for _, r := range c.rooms {
		for _, m := range r.members {
			m.seen = newSeen(r.next, 2)
		}
		r.first = r.next
		r.next += 2
	}
	c.tell = s
	c.loop.after(lookEvery, s.look)
	answer(map[string]any{"armed": true})
}

func (s *storm) ended(m *member, _ error) {
	if s.dropped == 0 {
		s.dropped = now()
	}
	if s.up[m] {
		s.up[m] = false
		s.back--
	}
	wait := float64(firstRetry) * math.Pow(growth, float64(s.tries[m])) * (0.5 + rand.Float64())
	s.tries[m]++
	s.crowd.loop.after(time.Duration(min(wait, float64(lastRetry))), func() {
		s.attempts++
		s.crowd.dial(m)
	})
}

func (s *storm) ready(m *member) {
	if s.opened == 0 {
		s.opened = now()
	}
	s.up[m] = true
	s.back++
	if s.most == 0 && s.back*100 >= s.total*95 {
		s.most = now()
	}
	if !s.spoken[m.room] {
		s.spoken[m.room] = true
		s.crowd.dialect.send(m, m.room.first, textOf(m.room.first))
	}
	if s.back == s.total && s.all == 0 {
		s.all = now()
		for _, r := range s.crowd.rooms {
			s.crowd.dialect.send(r.members[0], r.first+1, textOf(r.first+1))
		}
	}
}

func (s *storm) delivered(m *member, number int) {
	if m.seen.add(number) {
		s.last = now()
		if number == m.room.first {
			s.away++
		} else {
			s.after++
		}
	}
}

func (s *storm) refused(m *member, reason error) {
	if s.refusals++; s.refusals == 1 {
		warn(reason)
	}
	m.end(reason)
}

func (s *storm) look() {
	at := now()
	complete := s.away == s.total && s.after == s.total
	stalled := s.all > 0 && at-max(s.last, s.all) > int64(quietAfter)
	if !complete && !stalled && at < s.until {
		s.crowd.loop.after(lookEvery, s.look)
		return
	}
	s.crowd.tell = strict{}
	answer(map[string]any{
		"sockets": s.total, "back": s.back, "attempts": s.attempts, "refused": s.refusals,
		"first_s": s.since(s.opened), "most_s": s.since(s.most), "all_s": s.since(s.all), "delivered_s": s.since(s.last),
		"away": s.away, "after": s.after, "missing": 2*s.total - s.away - s.after,
	})
}

// since is the time from the drop; -1 when it did not come to that.
func (s *storm) since(at int64) float64 {
	if at == 0 {
		return -1
	}
	return time.Duration(at - s.dropped).Seconds()
}
