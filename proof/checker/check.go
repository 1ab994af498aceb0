package main

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

type verdict string

const (
	legal     verdict = "OK"
	illegal   verdict = "VIOLATION"
	undecided verdict = "UNDECIDED"
)

// One key, as far as it was judged.
type judgement struct {
	key     recordKey
	verdict verdict
	calls   int
	took    time.Duration
	// Of a violation: the calls up to the first answer that no order of them explains, which is the last one.
	prefix []*Operation
}

type judge struct {
	marks   []*Operation
	clocks  *clocks
	timeout time.Duration
}

func (j *judge) key(key recordKey, calls []*Operation) judgement {
	began := time.Now()
	found := judgement{key: key, calls: len(calls)}
	found.verdict, found.prefix = j.calls(calls)
	found.took = time.Since(began)
	return found
}

// Looks for an order under which every answer is the model's; of a violation, for the first answer without one.
//
// What explains a history explains each prefix of it. So a prefix without an explanation settles the matter, and where the
// narrow searches first find none is where to look with the wide ones: they are slow, and prefixes are short.
func (j *judge) calls(calls []*Operation) (verdict, []*Operation) {
	if j.search(calls, math.MaxInt64, narrow, j.timeout/10) == legal {
		return legal, nil
	}
	answers := answerTimes(calls)
	if len(answers) == 0 {
		return undecided, nil
	}
	last := len(answers) - 1
	suspected := firstWhere(0, last, func(i int) bool {
		return j.search(calls, answers[i], narrow, j.timeout/60) != legal
	})
	if j.search(calls, answers[suspected], wide, j.timeout) == illegal {
		return illegal, prefixOf(calls, answers[suspected])
	}
	whole := j.search(calls, math.MaxInt64, wide, j.timeout)
	if whole != illegal {
		return whole, nil
	}
	first := firstWhere(min(suspected+1, last), last, func(i int) bool {
		return j.search(calls, answers[i], wide, j.timeout) == illegal
	})
	return illegal, prefixOf(calls, answers[first])
}

// The first index from which on it holds; it does at the last.
func firstWhere(first, last int, holds func(int) bool) int {
	return first + sort.Search(last-first, func(i int) bool { return holds(first + i) })
}

// Each search is wider than the one before, and the last one has the last word. That of a quick one that finds nothing is
// no word at all.
func (j *judge) search(calls []*Operation, untilNs int64, reaches []reach, timeout time.Duration) verdict {
	last := undecided
	for _, reach := range reaches {
		w := j.world(reach, calls)
		events := j.events(calls, untilNs, reach.echoes)
		if reach.isQuick {
			if w.explains(events, timeout/2) != nil {
				return legal
			}
			last = undecided
			continue
		}
		result := porcupine.CheckOperationsTimeout(w.model(), events, timeout)
		switch {
		case result == porcupine.Ok:
			return legal
		case result == porcupine.Illegal && !w.isCut:
			last = illegal
		default:
			last = undecided
		}
	}
	return last
}

// The history for porcupine: an answered call with its interval; one that was not answered as the instant from which on
// it may take effect. Only what was called by then; answers that came later have not come.
func (j *judge) events(calls []*Operation, untilNs int64, echoes bool) []porcupine.Operation {
	var events []porcupine.Operation
	clients := map[string]int{}
	for number, op := range calls {
		if op.CallNs > untilNs {
			continue
		}
		if _, ok := clients[op.Client]; !ok {
			clients[op.Client] = len(clients)
		}
		add := func(callNs, returnNs int64, e event) {
			events = append(events, porcupine.Operation{
				ClientId: clients[op.Client], Call: callNs, Return: returnNs, Input: &e, Output: op,
			})
		}
		isAnswered := !op.isUnknown() && *op.ReturnNs <= untilNs
		isRead := op.Op == "get_record" || op.Op == "wait_for"
		switch {
		case !isAnswered && isRead:
		case !isAnswered:
			add(op.CallNs, op.CallNs, event{pending: number})
		case echoes && op.wasDisturbed && !isRead:
			add(op.CallNs, op.CallNs, event{pending: number})
			add(min(op.CallNs+1, *op.ReturnNs), *op.ReturnNs, event{op: op, pending: number})
		default:
			add(op.CallNs, *op.ReturnNs, event{op: op, pending: -1})
		}
	}
	for _, mark := range j.marks {
		if mark.FromNs <= untilNs && (mark.Mark == "database-crash" || mark.Mark == "clock-step") {
			events = append(events, porcupine.Operation{
				Call: mark.FromNs, Return: mark.ToNs, Input: &event{mark: mark, pending: -1, latestUs: j.clocks.latestUs}, Output: mark,
			})
		}
	}
	return events
}

func (j *judge) world(reach reach, calls []*Operation) *world {
	w := &world{reach: reach, calls: calls, clocks: j.clocks}
	for _, mark := range j.marks {
		w.hasSteps = w.hasSteps || isStep(mark)
		w.hasSweptSteps = w.hasSweptSteps || isStep(mark) && !mark.Unswept
	}
	return w
}

func isStep(mark *Operation) bool { return mark.Mark == "clock-step" }

func answerTimes(calls []*Operation) []int64 {
	var times []int64
	for _, op := range calls {
		if !op.isUnknown() {
			times = append(times, *op.ReturnNs)
		}
	}
	slices.Sort(times)
	return times
}

// The calls made by then, the one that was answered then at the end.
func prefixOf(calls []*Operation, untilNs int64) []*Operation {
	var prefix, last []*Operation
	for _, op := range calls {
		switch {
		case !op.isUnknown() && *op.ReturnNs == untilNs:
			last = append(last, op)
		case op.CallNs <= untilNs:
			prefix = append(prefix, op)
		}
	}
	return append(prefix, last...)
}

// Porcupine's own way from a model of many next states to one of a set of them compares each with each.
func (w *world) model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return setOf(State{}).belief() },
		Step: func(state, input, _ any) (bool, any) {
			next := w.step(state.(*belief), input.(*event))
			return len(next.states) > 0, next
		},
		Equal:             func(a, b any) bool { return a.(*belief).equals(b.(*belief)) },
		Hash:              func(state any) uint64 { return state.(*belief).hash },
		DescribeOperation: func(input, _ any) string { return input.(*event).describe() },
		DescribeState:     func(state any) string { return state.(*belief).describe() },
	}
}
