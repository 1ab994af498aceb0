package main

// More states than these are not followed; then the widest search is undecided instead of illegal.
const statesMax = 3000

// The record of one key and all calls on it that are in the history.
type world struct {
	reach
	calls  []*Operation
	clocks *clocks
	// The database's clock was set; and a sweeper may have been misled by that.
	hasSteps, hasSweptSteps bool
	// A search was cut short.
	isCut bool
}

// Something that happens to the record, in the order that is looked for.
type event struct {
	// An answered call; of any other, nil.
	op *Operation
	// The number of a call that from here on may take effect at any time; -1 for none.
	pending int
	// A mark of the driver.
	mark *Operation
	// The latest time that the database's clock has shown; of a clock step.
	latestUs int64
}

func (w *world) step(from *belief, e *event) *belief {
	next := setOf()
	for _, s := range from.states {
		switch {
		case e.mark != nil && e.mark.Mark == "clock-step":
			next.addAll(s.stepped(e))
			// What is open may have taken effect by the clock as it was.
			for _, before := range w.reachable(s, Span{past, e.latestUs}, 0) {
				isErased := before.phase == absent && s.phase != absent
				if before.phase != gone && !(isErased && e.mark.Unswept) {
					next.addAll(before.stepped(e))
				}
			}
		case e.mark != nil:
			next.add(s.crashed())
		case e.op == nil:
			s.pending = with(s.pending, e.pending)
			next.add(s)
		default:
			w.answer(s, e, next)
		}
	}
	return next.belief()
}

// The states in which the record can have been when it was answered so, as the call left them.
func (w *world) answer(s State, e *event, next *stateSet) {
	granted := grant{e.op.Output.Token, e.op.Output.Fence}
	for _, before := range w.reachable(s, e.op.time, e.op.stepsBegun) {
		if before.phase == gone {
			continue
		}
		for _, o := range w.outcomes(before, e.op, e.op.time, granted) {
			if after, ok := o.agrees(e.op); ok {
				after = w.withoutOld(w.withoutDead(after), e.op)
				if e.pending >= 0 {
					after.pending = without(after.pending, e.pending)
				}
				isOver := w.hasSteps && s.hasEnded() && before.phase == absent && after.phase == absent
				if isOver {
					next.add(s.hidden(after.pending))
				}
				if !isOver || w.hasSweptSteps {
					next.add(after)
				}
			}
		}
	}
}

func (w *world) outcomes(s State, op *Operation, t Span, granted grant) []outcome {
	switch op.Op {
	case "claim":
		return claimOutcomes(s, &op.Input, t, granted)
	case "heartbeat":
		return heartbeatOutcomes(s, &op.Input, t)
	case "complete", "fail":
		return finishOutcomes(s, op, t)
	}
	return readOutcomes(s, op, t)
}

// What the record may have become by this time, when so many steps of the clock had begun, by itself and by calls that
// were not answered.
func (w *world) reachable(s State, t Span, steps int) []State {
	found := setOf(w.widened(s, t, steps).byItself(t)...)
	from := 0
	for depth := 0; depth < w.depth && from < len(found.states); depth++ {
		until := len(found.states)
		for ; from < until; from++ {
			s := found.states[from]
			if s.phase == gone {
				continue
			}
			for i := 0; i < len(s.pending); i += pendingBytes {
				for _, after := range w.takenEffect(s, pendingAt(s.pending, i), t, steps) {
					found.addAll(w.widened(after, t, steps).byItself(t))
				}
			}
			if len(found.states) > statesMax {
				w.isCut = true
				return found.states
			}
		}
	}
	return found.states
}

// The states after a call without an answer took effect at some time since it was made: by the clock as it is, or as it
// was before it was set back.
func (w *world) takenEffect(s State, number int, t Span, steps int) []State {
	op := w.calls[number]
	since := Span{min(op.sinceUs, t.Hi), max(t.Hi, w.clocks.shownSince(op, steps))}
	var after []State
	keep := func(told []outcome) {
		for _, o := range told {
			if o.kind != "acquired" && o.kind != "accepted" && o.kind != "extended" && o.kind != "failed" || o.already || o.own {
				continue
			}
			next := o.next
			if next == s {
				continue
			}
			if !(w.echoes && op.wasDisturbed) {
				next.pending = without(next.pending, number)
			}
			after = append(after, w.withoutDead(next))
		}
	}
	switch op.Op {
	case "claim":
		keep(claimOutcomes(s, &op.Input, since, grant{}))
		for _, granted := range op.grants {
			keep(claimOutcomes(s, &op.Input, since, granted))
		}
	case "heartbeat":
		// What it does to the lease is in `widened`.
		if op.Input.Checkpoint != nil {
			keep(heartbeatOutcomes(s, &op.Input, since))
		}
	default:
		keep(finishOutcomes(s, op, since))
	}
	return after
}

// The end of a lease under which its own claim, or a heartbeat, may still take effect: no branch for each, but a span.
func (w *world) widened(s State, t Span, steps int) State {
	if s.phase != held {
		return s
	}
	for i := 0; i < len(s.pending); i += pendingBytes {
		op := w.calls[pendingAt(s.pending, i)]
		isOwn := op.Op == "claim" && op.Input.ClaimID == s.claim && s.isReconciling() == (op.Input.Intent == "reconcile")
		if !isOwn && !(op.Op == "heartbeat" && s.isProvenBy(&op.Input)) {
			continue
		}
		until := Span{t.Lo, max(t.Hi, w.clocks.shownSince(op, steps))}
		end := until.plusMs(op.Input.LeaseMs)
		if !s.isReconciling() {
			end = s.leaseEnd(op.Input.LeaseMs, until)
		}
		s.due.Hi = max(s.due.Hi+1, end.Hi)
	}
	return s
}

// Fences only rise: a holder's call with a lower one has lost its chance, unless it is the suspect's.
func (w *world) withoutDead(s State) State {
	for i := 0; i < len(s.pending); {
		number := pendingAt(s.pending, i)
		in := &w.calls[number].Input
		isSuspects := s.hasSuspect && s.suspectFence == in.Fence
		if w.calls[number].Op != "claim" && in.Fence < s.fence && !isSuspects {
			s.pending = s.pending[:i] + s.pending[i+pendingBytes:]
			continue
		}
		i += pendingBytes
	}
	return s
}

const pendingBytes = 3

func pendingAt(pending string, i int) int {
	return int(pending[i])<<16 | int(pending[i+1])<<8 | int(pending[i+2])
}

// In ascending order, so that equal sets are equal texts.
func with(pending string, number int) string {
	i := 0
	for i < len(pending) && pendingAt(pending, i) < number {
		i += pendingBytes
	}
	name := string([]byte{byte(number >> 16), byte(number >> 8), byte(number)})
	return pending[:i] + name + pending[i:]
}

func without(pending string, number int) string {
	for i := 0; i < len(pending); i += pendingBytes {
		if pendingAt(pending, i) == number {
			return pending[:i] + pending[i+pendingBytes:]
		}
	}
	return pending
}

func hasAll(pending, some string) bool {
	if len(pending) < len(some) {
		return false
	}
	i := 0
	for j := 0; j < len(some); j += pendingBytes {
		for i < len(pending) && pendingAt(pending, i) < pendingAt(some, j) {
			i += pendingBytes
		}
		if i == len(pending) || pendingAt(pending, i) != pendingAt(some, j) {
			return false
		}
	}
	return true
}
