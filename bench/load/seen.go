package main

// seen counts what one member got of the messages of a run, numbered from first on.
type seen struct {
	first, last               int
	got                       []uint64
	once, duplicated, reorder int
}

func newSeen(first, count int) seen {
	return seen{first: first, last: first - 1, got: make([]uint64, (count+63)/64)}
}

// add is whether the number is of this run and was not there before.
func (s *seen) add(number int) bool {
	at := number - s.first
	if at < 0 || at >= 64*len(s.got) {
		return false
	}
	word, bit := at/64, uint64(1)<<(at%64)
	if s.got[word]&bit != 0 {
		s.duplicated++
		return false
	}
	s.got[word] |= bit
	s.once++
	if number < s.last {
		s.reorder++
	}
	s.last = max(s.last, number)
	return true
}
