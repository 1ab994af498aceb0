package main

import (
	"hash/maphash"
	"slices"
	"strings"
)

// What the record may be in, as far as it is known. A state that allows everything that another one allows stands for it.
type stateSet struct {
	states []State
	// By what is not a span, and not pending.
	alike map[State][]int
}

func setOf(states ...State) *stateSet {
	set := &stateSet{alike: map[State][]int{}}
	set.addAll(states)
	return set
}

// Those that a wider one has replaced are left in their places, as gone.
func (set *stateSet) add(s State) {
	name := s.definite()
	for _, i := range set.alike[name] {
		if set.states[i].covers(&s) {
			return
		}
	}
	kept := set.alike[name][:0]
	for _, i := range set.alike[name] {
		if s.covers(&set.states[i]) {
			set.states[i].phase = gone
		} else {
			kept = append(kept, i)
		}
	}
	set.alike[name] = append(kept, len(set.states))
	set.states = append(set.states, s)
}

func (set *stateSet) addAll(states []State) {
	for _, s := range states {
		set.add(s)
	}
}

func (s State) definite() State {
	s.started, s.due, s.ended, s.forget, s.durable, s.pending = Span{}, Span{}, Span{}, Span{}, 0, ""
	return s
}

// Of two that are alike otherwise: whatever may become of the other one may become of this one.
func (s *State) covers(other *State) bool {
	return s.due.covers(other.due) && s.started.covers(other.started) && s.ended.covers(other.ended) &&
		s.forget.covers(other.forget) && s.durable <= other.durable && hasAll(s.pending, other.pending)
}

func (s Span) covers(other Span) bool { return s.Lo <= other.Lo && other.Hi <= s.Hi }

// As porcupine keeps it: in one order, so that equal sets are the same.
type belief struct {
	states []State
	hash   uint64
}

var seed = maphash.MakeSeed()

func (set *stateSet) belief() *belief {
	type hashed struct {
		state State
		hash  uint64
	}
	var all []hashed
	for _, s := range set.states {
		if s.phase != gone {
			all = append(all, hashed{s, maphash.Comparable(seed, s)})
		}
	}
	slices.SortFunc(all, func(a, b hashed) int {
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	b := &belief{}
	for _, each := range all {
		b.states = append(b.states, each.state)
		b.hash = b.hash*31 + each.hash
	}
	return b
}

func (b *belief) equals(other *belief) bool {
	return b.hash == other.hash && slices.Equal(b.states, other.states)
}

func (b *belief) describe() string {
	var told []string
	for i := range b.states {
		told = append(told, b.states[i].describe())
	}
	return strings.Join(told, " or ")
}
