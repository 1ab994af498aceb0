package main

import "time"

// How far the search goes for calls whose outcome nobody was told. A history that fits under a narrower search fits: any
// explanation is one. So the narrow ones are tried first, and only the widest has the last word.
type reach struct {
	// So many of them may take effect between two answers.
	depth int
	// Calls that were open while something was disturbed may have taken effect more than once: a store that lost its
	// connection sends them again.
	echoes bool
	// By `explains`, which finds most explanations at once, and proves nothing if it finds none.
	isQuick bool
	// How long after its caller gave up an unanswered call may take effect; 0 for ever.
	within time.Duration
}

// A server that is killed leaves at most the statements behind that it had sent, and the database ends each after 3 s; one
// that lives gives up what its caller has left. So the true explanation needs no later effects, but for a machine, a disk
// or a server that stood still. No verdict rests on that: what does not fit is searched without the limit, by all others.
const soon = 4 * time.Second

var (
	narrow = []reach{
		{depth: 1, isQuick: true, within: soon},
		{depth: 1, echoes: true, isQuick: true, within: soon},
		{depth: 2, echoes: true, isQuick: true},
		{depth: 1},
		{depth: 1, echoes: true},
	}
	wide = []reach{{depth: 2, echoes: true}, {depth: 6, echoes: true}}
)

// No call that was given up long before this one was made can take effect after it any more. Before it some may have:
// what it was answered was looked for with all of them.
func (w *world) withoutOld(s State, answered *Operation) State {
	if w.within == 0 {
		return s
	}
	for i := 0; i < len(s.pending); {
		if op := w.calls[pendingAt(s.pending, i)]; op.gaveUpNs()+w.within.Nanoseconds() < answered.CallNs {
			s.pending = s.pending[:i] + s.pending[i+pendingBytes:]
			continue
		}
		i += pendingBytes
	}
	return s
}
