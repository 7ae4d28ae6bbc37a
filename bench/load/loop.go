package main

import (
	"bytes"
	"container/heap"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

var began = time.Now()

// now is in nanoseconds since the start, by a clock that only goes forward.
func now() int64 { return int64(time.Since(began)) }

// A loop waits in one thread for descriptors and points in time: a goroutine a socket would cost twice as much a frame.
type loop struct {
	epoll, timer int
	on           map[int32]func(events uint32)
	timers       timers
	ended        bool
}

type timer struct {
	at int64
	do func()
}

type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at < t[j].at }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	last := len(*t) - 1
	popped := (*t)[last]
	*t = (*t)[:last]
	return popped
}

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	// The wait itself counts in milliseconds only.
	clock, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &loop{epoll: epoll, timer: clock, on: map[int32]func(uint32){}}
	var word [8]byte
	return l, l.add(clock, unix.EPOLLIN, func(uint32) { unix.Read(clock, word[:]) })
}

func (l *loop) add(fd int, events uint32, do func(uint32)) error {
	l.on[int32(fd)] = do
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

func (l *loop) modify(fd int, events uint32) {
	unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// remove forgets a descriptor that is about to be closed.
func (l *loop) remove(fd int) { delete(l.on, int32(fd)) }

// at runs something at a time of now().
func (l *loop) at(when int64, do func()) { heap.Push(&l.timers, timer{when, do}) }

func (l *loop) after(wait time.Duration, do func()) { l.at(now()+int64(wait), do) }

func (l *loop) readLines(file *os.File, do func([]byte)) error {
	fd := int(file.Fd())
	var kept []byte
	buffer := make([]byte, 64<<10)
	return l.add(fd, unix.EPOLLIN, func(uint32) {
		n, err := unix.Read(fd, buffer)
		if n <= 0 || err != nil {
			l.ended = true
			return
		}
		kept = append(kept, buffer[:n]...)
		for {
			line, rest, found := bytes.Cut(kept, []byte("\n"))
			if !found {
				return
			}
			kept = rest
			do(line)
		}
	})
}

// run returns when the input has ended.
func (l *loop) run() error {
	events := make([]unix.EpollEvent, 512)
	for !l.ended {
		for len(l.timers) > 0 && l.timers[0].at <= now() {
			heap.Pop(&l.timers).(timer).do()
		}
		if len(l.timers) > 0 {
			left := unix.NsecToTimespec(max(l.timers[0].at-now(), 1))
			unix.TimerfdSettime(l.timer, 0, &unix.ItimerSpec{Value: left}, nil)
		}
		n, err := unix.EpollWait(l.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for i := range max(n, 0) {
			if do := l.on[events[i].Fd]; do != nil {
				do(events[i].Events)
			}
		}
	}
	return nil
}
