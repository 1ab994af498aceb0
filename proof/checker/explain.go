package main

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Looks for one order that explains a history, by short cuts that porcupine cannot take. What it finds is an order of the
// calls, each within the time that it was open, under which every answer is the model's: as good as one of porcupine's.
// That it finds none proves nothing, and is never told as an answer.
//
//   - A call that may come next and leaves all that is known as it was, comes next, and no other place is tried for it:
//     what explains the rest explains it after this call too. Many are told of one and the same lease while all of them
//     are open; for porcupine each set of them is a place of its own, two to the power of their number.
//   - That an unanswered call may take effect from here on only adds to what may be, and comes as soon as it can.
//   - Of others those that only look come first, for what they saw is soon over; then those that change the record, by the
//     time of the database's clock that they tell.
type explainer struct {
	w *world
	// By the time of their calls.
	steps []porcupine.Operation
	// The order so far, by place in `steps`; and the same as a set of bits.
	order  []int
	placed []uint64
	// All before it are placed.
	first int
	// What was known where nothing came of it, by what was placed.
	vain     map[string][]*belief
	deadline time.Time
}

// The order, by number of the step; nil if none was found.
func (w *world) explains(events []porcupine.Operation, timeout time.Duration) []int {
	numbers := make([]int, len(events))
	for i := range numbers {
		numbers[i] = i
	}
	slices.SortStableFunc(numbers, func(a, b int) int {
		return cmp.Or(cmp.Compare(events[a].Call, events[b].Call), cmp.Compare(events[a].Return, events[b].Return))
	})
	x := &explainer{
		w: w, placed: make([]uint64, (len(events)+63)/64), vain: map[string][]*belief{}, deadline: time.Now().Add(timeout),
	}
	for _, number := range numbers {
		x.steps = append(x.steps, events[number])
	}
	if !x.from(setOf(State{}).belief()) {
		return nil
	}
	order := make([]int, len(x.order))
	for i, at := range x.order {
		order[i] = numbers[at]
	}
	return order
}

// A step that may come next, and what is known after it.
type choice struct {
	at   int
	then *belief
	rank int64
}

// Whether the rest can be placed too; if not, everything is as it was.
func (x *explainer) from(known *belief) bool {
	began := len(x.order)
	choices := x.choices(&known)
	if len(x.order) == len(x.steps) {
		return true
	}
	if len(choices) > 0 && !x.isInVain(known) {
		for _, c := range choices {
			if x.isLate() {
				break
			}
			x.place(c.at)
			if x.from(c.then) {
				return true
			}
			x.liftTo(len(x.order) - 1)
		}
	}
	x.liftTo(began)
	return false
}

// Places whatever is free to come now; then what may come next, the likeliest first.
func (x *explainer) choices(known **belief) []choice {
	for !x.isLate() {
		found, isFree := x.next(*known)
		if !isFree {
			slices.SortStableFunc(found, func(a, b choice) int { return cmp.Compare(a.rank, b.rank) })
			return found
		}
		x.place(found[0].at)
		*known = found[0].then
	}
	return nil
}

// What may come next: of the calls that are open, those that none of the others was over before. If one is free, only that.
func (x *explainer) next(known *belief) (found []choice, isFree bool) {
	for x.first < len(x.steps) && x.isPlaced(x.first) {
		x.first++
	}
	var earliest int64 = future
	for i := x.first; i < len(x.steps) && x.steps[i].Call <= earliest; i++ {
		if x.isPlaced(i) {
			continue
		}
		earliest = min(earliest, x.steps[i].Return)
		e := x.steps[i].Input.(*event)
		then := x.w.step(known, e)
		if isPendingFrom := e.op == nil && e.mark == nil; isPendingFrom || then.equals(known) {
			return []choice{{at: i, then: then}}, true
		}
		if len(then.states) > 0 {
			found = append(found, choice{i, then, rankOf(e)})
		}
	}
	return found, false
}

func rankOf(e *event) int64 {
	if e.op == nil {
		return past
	}
	switch e.op.Output.Kind {
	case "acquired", "extended", "accepted":
		return e.op.time.Hi
	}
	return e.op.time.Hi - future
}

func (x *explainer) isPlaced(i int) bool { return x.placed[i/64]&(1<<(i%64)) != 0 }

func (x *explainer) place(i int) {
	x.placed[i/64] |= 1 << (i % 64)
	x.order = append(x.order, i)
}

func (x *explainer) liftTo(length int) {
	for _, i := range x.order[length:] {
		x.placed[i/64] &^= 1 << (i % 64)
		x.first = min(x.first, i)
	}
	x.order = x.order[:length]
}

func (x *explainer) isLate() bool { return time.Now().After(x.deadline) }

// The same steps have led to the same before, and nothing came of it.
func (x *explainer) isInVain(known *belief) bool {
	name := binary.LittleEndian.AppendUint64(nil, known.hash)
	for _, word := range x.placed {
		name = binary.LittleEndian.AppendUint64(name, word)
	}
	if slices.ContainsFunc(x.vain[string(name)], known.equals) {
		return true
	}
	x.vain[string(name)] = append(x.vain[string(name)], known)
	return false
}
