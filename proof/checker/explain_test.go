package main

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

func quick() []reach {
	return slices.DeleteFunc(slices.Clone(narrow), func(r reach) bool { return !r.isQuick })
}

func (j *judge) explained(r reach, calls []*Operation) (w *world, events []porcupine.Operation, order []int) {
	w, events = j.world(r, calls), j.events(calls, math.MaxInt64, r.echoes)
	return w, events, w.explains(events, 20*time.Second)
}

// Held against the model alone: each step once, none after one that was made only when it was over, and each answer right.
func explainsAll(w *world, events []porcupine.Operation, order []int) bool {
	if sorted := slices.Sorted(slices.Values(order)); len(slices.Compact(sorted)) != len(events) {
		return false
	}
	known := setOf(State{}).belief()
	for at, number := range order {
		isTooEarly := slices.ContainsFunc(order[at:], func(later int) bool { return events[later].Return < events[number].Call })
		known = w.step(known, events[number].Input.(*event))
		if isTooEarly || len(known.states) == 0 {
			return false
		}
	}
	return true
}

func TestAnOrderThatIsFoundQuicklyExplainsEachAnswer(t *testing.T) {
	t.Parallel()
	found := 0
	holds := func(name string, j *judge, calls []*Operation) {
		for _, r := range quick() {
			if w, events, order := j.explained(r, calls); order != nil {
				found++
				if !explainsAll(w, events, order) {
					t.Errorf("%s: %v is no explanation by %+v", name, order, r)
				}
			}
		}
	}
	for _, each := range legalRows {
		s := &script{}
		each.write(s)
		j, calls := s.judged()
		holds(each.name, j, calls)
	}
	keys, clocks := recorded(t)
	for key, calls := range keys {
		holds(key.key, &judge{clocks: clocks}, calls)
	}
	if found < len(legalRows) {
		t.Errorf("found %d orders, fewer than there are legal rows", found)
	}
}

func TestNoIllegalHistoryIsExplainedQuickly(t *testing.T) {
	t.Parallel()
	for _, each := range slices.Concat(illegalClaims, illegalEnds) {
		s := &script{}
		each.write(s)
		j, calls := s.judged()
		for _, r := range quick() {
			if _, _, order := j.explained(r, calls); order != nil {
				t.Errorf("%s is explained by %v with %+v", each.name, order, r)
			}
		}
	}
}

func TestOfManyLooksThatWereOpenTogetherOneOrderIsFound(t *testing.T) {
	t.Parallel()
	s := &script{}
	for range 80 {
		s.look(0, Output{State: "in-progress", Attempt: 1, Fence: 10, Owner: "/a", StartedUs: 100_000, ExpiresUs: 1_100_000}, until(700))
		s.look(0, Output{}, refusedWith("RECORD_NOT_FOUND"), until(700))
	}
	s.acquire(100, "a", "new", 10, 1)
	s.complete(600, 10, "r")
	j, calls := s.judged()
	if _, _, order := j.explained(quick()[0], calls); order == nil {
		t.Error("there is none")
	}
}

func TestACallThatTakesEffectLongAfterItsCallerGaveUpIsFoundByTheWiderSearches(t *testing.T) {
	t.Parallel()
	s := &script{}
	s.tellTime(0)
	s.claim(0, "a", lost)
	s.look(10_000, Output{}, refusedWith("RECORD_NOT_FOUND"))
	s.claim(20_000, "b", inProgress("a", 1, 19_500, 20_500))
	j, calls := s.judged()
	var found []bool
	for _, r := range quick() {
		_, _, order := j.explained(r, calls)
		found = append(found, order != nil)
	}
	if want := []bool{false, false, true}; !slices.Equal(found, want) {
		t.Errorf("is found by %v of the quick searches, and should be by %v", found, want)
	}
	if got := s.verdict(); got != legal {
		t.Errorf("is %s", got)
	}
}
