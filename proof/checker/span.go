package main

import "math"

// An instant of the database's clock in microseconds, as far as it is known: from Lo to Hi, both possible.
type Span struct{ Lo, Hi int64 }

// Far enough, and sums of it do not overflow.
const (
	past   = math.MinInt64 / 4
	future = math.MaxInt64 / 4
)

var anyTime = Span{past, future}

func at(us int64) Span { return Span{us, us} }

func (s Span) plusMs(ms int64) Span { return Span{s.Lo + ms*1000, s.Hi + ms*1000} }

func (s Span) holds(us int64) bool { return s.Lo <= us && us <= s.Hi }

// It may have come by then: some instant of s is not after some instant of t.
func (s Span) mayBePast(t Span) bool { return s.Lo <= t.Hi }

// It may not have come by then.
func (s Span) mayBeAhead(t Span) bool { return s.Hi > t.Lo }

func (s Span) and(t Span) (Span, bool) {
	both := Span{max(s.Lo, t.Lo), min(s.Hi, t.Hi)}
	return both, both.Lo <= both.Hi
}

// The later of two.
func later(s, t Span) Span { return Span{max(s.Lo, t.Lo), max(s.Hi, t.Hi)} }

// The earlier of two.
func earlier(s, t Span) Span { return Span{min(s.Lo, t.Lo), min(s.Hi, t.Hi)} }
