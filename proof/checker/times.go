package main

import (
	"cmp"
	"slices"
)

// The database's clock and the callers' run alike, so how far they are apart is one number, and every answer that tells
// the time bounds it: the decision came after the call and before the answer. With it the time of any other decision is
// known about as exactly as its call is short. A driver that sets the clock says so by a mark, and nothing is concluded
// across one; if the clocks moved against each other all the same, the spans are wider by that.
type clocks struct {
	marks []*Operation
	// Between two steps of the database's clock.
	stretches []apart
	// How far they moved against each other although no mark says so.
	movedUs int64
	// The latest that the database's may have shown, as far as answers tell.
	latestUs int64
	// The same of each stretch that a step has ended; of one in which no answer told it, any time.
	shownUs []int64
}

// An answer that told the time.
type reading struct{ callNs, returnNs, us int64 }

// Times are rounded to microseconds on their way here.
const roundingUs = 1

func compareClocks(told []reading, marks []*Operation) *clocks {
	c := &clocks{marks: marks, latestUs: past, stretches: make([]apart, len(marks)+1)}
	for i := range c.stretches {
		c.stretches[i].bounds = anyTime
	}
	for _, each := range told {
		c.latestUs = max(c.latestUs, each.us)
		if at, ok := c.stretchOf(each.callNs, each.returnNs); ok {
			c.stretches[at].see(Span{each.us - each.returnNs/1000 - roundingUs, each.us - each.callNs/1000 + roundingUs})
		}
	}
	steps := slices.DeleteFunc(slices.Clone(marks), func(mark *Operation) bool { return !isStep(mark) })
	slices.SortFunc(steps, func(a, b *Operation) int { return cmp.Compare(a.FromNs, b.FromNs) })
	c.shownUs = make([]int64, len(steps))
	for i, each := range c.stretches {
		c.movedUs = max(c.movedUs, each.movedUs())
		if i == len(steps) {
			break
		}
		c.shownUs[i] = future
		if each.bounds.Hi != future {
			c.shownUs[i] = steps[i].ToNs/1000 + each.span().Hi
			c.latestUs = max(c.latestUs, c.shownUs[i])
		}
	}
	return c
}

// The latest that the clock may have shown from when the call was made until so many steps had begun, where a step has
// ended the time at which it did: what was decided then may be there for others only afterwards.
func (c *clocks) shownSince(op *Operation, steps int) int64 {
	latest := int64(past)
	for i := op.stepsBefore; i < steps; i++ {
		latest = max(latest, c.shownUs[i])
	}
	return latest
}

// Notes what is known of the time at which a call was decided.
func (c *clocks) tell(op *Operation) {
	op.time = anyTime
	op.stepsBefore, op.stepsBegun = c.stepsOf(op.CallNs, op.returnOrNever())
	if op.stepsBefore == op.stepsBegun && c.stretches[op.stepsBefore].bounds.Lo != past {
		between := c.stretches[op.stepsBefore].span()
		op.time.Lo = op.CallNs/1000 + between.Lo
		if !op.isUnknown() {
			op.time.Hi = *op.ReturnNs/1000 + between.Hi
		}
	}
	op.sinceUs = op.time.Lo
	if op.ServerTimeUs != nil && !op.isUnknown() {
		op.time = Span{*op.ServerTimeUs - roundingUs, *op.ServerTimeUs + roundingUs}
	}
}

// Which stretch a call lies in; not ok for one that lies across a step.
func (c *clocks) stretchOf(callNs, returnNs int64) (int, bool) {
	before, begun := c.stepsOf(callNs, returnNs)
	return before, before == begun
}

// How many steps had ended before a call was made, and had begun when it was answered.
func (c *clocks) stepsOf(callNs, returnNs int64) (before, begun int) {
	for _, mark := range c.marks {
		if mark.Mark != "clock-step" {
			continue
		}
		if mark.ToNs <= callNs {
			before++
		}
		if mark.FromNs <= returnNs {
			begun++
		}
	}
	return before, begun
}

// One that nobody was answered may take effect at any time from its call on.
func (o *Operation) returnOrNever() int64 {
	if o.isUnknown() {
		return future
	}
	return *o.ReturnNs
}

// The database's clock less the callers'.
type apart struct {
	// The highest lower bound and the lowest upper one, and how far the other bound of the reading of each was.
	bounds           Span
	loWidth, hiWidth int64
}

func (a *apart) see(reading Span) {
	width := reading.Hi - reading.Lo
	if reading.Lo > a.bounds.Lo {
		a.bounds.Lo, a.loWidth = reading.Lo, width
	}
	if reading.Hi < a.bounds.Hi {
		a.bounds.Hi, a.hiWidth = reading.Hi, width
	}
}

func (a *apart) movedUs() int64 { return max(0, a.bounds.Lo-a.bounds.Hi) }

// Where the bounds contradict each other it was somewhere from what the one reading says to what the other says.
func (a *apart) span() Span {
	if a.bounds.Lo <= a.bounds.Hi {
		return a.bounds
	}
	return Span{a.bounds.Hi - a.hiWidth, a.bounds.Lo + a.loWidth}
}
