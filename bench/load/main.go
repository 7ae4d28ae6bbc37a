// Load is the generator of the benches against peers: it holds many WebSockets in one thread, sends by a schedule that
// waits for nobody, and checks that every message reached every member once.
//
// The rooms come from a file, commands come as JSON lines on the input, and each is answered by one JSON line:
//
//	{"do": "connect", "sockets": 1000}              opens the first sockets of the plan
//	{"do": "talk", "rate": 200, "seconds": 10}      sends, and tells what arrived and when
//	{"do": "storm", "seconds": 60}                  answers {"armed"}, waits to be dropped, and tells how all came back
//
// The end of the input ends it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
)

type command struct {
	Do      string  `json:"do"`
	Sockets int     `json:"sockets"`
	Rate    float64 `json:"rate"`
	Seconds float64 `json:"seconds"`
	Rooms   int     `json:"rooms"` // how many of the plan take part; all when 0
}

func main() {
	speaks := flag.String("dialect", "chat", "what the server speaks: chat, socketio, centrifugo, tinode or raw")
	address := flag.String("url", "", "where to connect: ws://host:port/path")
	path := flag.String("plan", "", `file with {"rooms": [{"id": …, "tokens": [one a member]}]}`)
	flag.Parse()
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	debug.SetGCPercent(400)
	if err := run(*speaks, *address, *path); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(speaks, address, path string) error {
	target, err := url.Parse(address)
	if err != nil {
		return err
	}
	said, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var planned plan
	if err := json.Unmarshal(said, &planned); err != nil {
		return err
	}
	known, ok := dialects[speaks]
	if !ok {
		return fmt.Errorf("there is no dialect %q", speaks)
	}
	l, err := newLoop()
	if err != nil {
		return err
	}
	c, err := newCrowd(l, known, target, planned)
	if err != nil {
		return err
	}
	if err := l.readLines(os.Stdin, func(line []byte) { obey(c, line) }); err != nil {
		return err
	}
	return l.run()
}

func obey(c *crowd, line []byte) {
	var asked command
	if err := json.Unmarshal(line, &asked); err != nil {
		fail("%q is no command: %v", line, err)
	}
	switch asked.Do {
	case "connect":
		c.connect(asked.Sockets)
	case "talk":
		startTalk(c, asked)
	case "storm":
		startStorm(c, asked)
	default:
		fail("there is no command %q", asked.Do)
	}
}

func answer(figures any) {
	line, err := json.Marshal(figures)
	if err != nil {
		fail("%v", err)
	}
	os.Stdout.Write(append(line, '\n'))
}

func warn(reason error) { fmt.Fprintln(os.Stderr, "load:", reason) }

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "load: "+format+"\n", arguments...)
	os.Exit(1)
}
