package main

// What may be stored of one record. Times are spans, because not every answer tells the time at which it was decided.
//
//	            claim                     complete
//	(absent) ─────────▶ held ─────────────────────▶ completed ─ result end ─▶ expired ─ tombstone end ─▶ (absent)
//	                     │ ▲  │ fail terminal     ─▶ failed ────────────────▶ expired
//	      fail retryable │ │  │ last attempt used up ─▶ failed (max-attempts)
//	    fail not-started ▼ │  │
//	               available  ├─ lease over, REACQUIRE ─▶ claimable ─ claim ─▶ held (attempt + 1)
//	                          ├─ lease over, HOLD ──────▶ outcome unknown
//	                          └─ fail outcome-unknown ──▶ unknown
//
// Comparable with ==, so that sets of states can be made.
type State struct {
	phase   phase
	claim   string
	token   string
	fence   int64
	isGhost bool // nobody was told the token, and the fence is this or any higher one
	attempt int
	owner   string
	print   string
	policy  Policy
	started Span
	// held: the lease's end · available: claimable from · ended: the result's end · unknown: since when
	due Span
	// Where a crash of the database may put the lease's end back to: bare extensions are not durable at once.
	durable int64
	ended   Span
	forget  Span
	// The attempt that a reconciler looks into; on an ended record, the one that ended it.
	hasSuspect   bool
	suspectToken string
	suspectFence int64
	reason       string
	outcome      string
	end          string
	checkpoint   Checkpoint
	// The clock had left its tombstone behind, and may be set back before the sweeper comes; until then it is not there.
	isHidden bool
	// Its server may give this lease back by itself, for its answer may not have reached the caller.
	mayBeGivenBack bool
	// Calls that may still take effect, three bytes for each.
	pending string
}

type phase uint8

const (
	absent phase = iota
	held
	available
	completed
	failed
	unknown
	// Of a state that another one stands for.
	gone
)

var phaseNames = [...]string{"absent", "in-progress", "available", "completed", "failed", "outcome-unknown"}

func (s *State) hasEnded() bool { return s.phase == completed || s.phase == failed }

func (s *State) isReconciling() bool { return s.phase == held && s.hasSuspect }

func (s *State) isUsedUp() bool { return s.policy.MaxAttempts > 0 && s.attempt >= s.policy.MaxAttempts }

// Nobody may take it over when its lease is over.
func (s *State) isKept() bool { return s.policy.Hold || s.hasSuspect }

func (s *State) endedBySuspect() bool { return s.hasEnded() && s.hasSuspect }

// As if the record had never been; only the fence goes on.
func (s State) forgotten() State {
	return State{phase: absent, fence: s.fence, isGhost: s.isGhost, pending: s.pending}
}

// What becomes of a record without any call, by the time t: forgotten, abandoned, settled by the sweeper, given back by
// its server. The record as it is comes first, unless it must be gone.
func (s State) byItself(t Span) []State {
	if s.isHidden {
		return []State{s.forgotten()}
	}
	states := []State{s}
	switch {
	case s.hasEnded():
		if !s.forget.mayBeAhead(t) {
			return []State{s.forgotten()}
		}
		if s.forget.mayBePast(t) {
			states = append(states, s.forgotten())
		}
	case s.phase == available || s.phase == held && !s.isKept():
		if s.isUsedUp() {
			if s.due.mayBePast(t) {
				states = append(states, s.settled(Span{s.due.Lo, t.Hi}).byItself(t)...)
			}
		} else if s.due.plusMs(s.policy.ResultMs).mayBePast(t) {
			states = append(states, s.forgotten())
		}
	}
	if s.mayBeGivenBack {
		states = append(states, s.givenBack(t).byItself(t)...)
	}
	return states
}

// Told to be absent for its time is over, while its row may be there.
func (s State) hidden(pending string) State {
	s.isHidden, s.pending = true, pending
	return s
}

// The last attempt is used up and its lease over: the record fails for good.
func (s State) settled(t Span) State {
	s.phase, s.reason, s.end, s.ended = failed, "max-attempts", "", t
	s.due = t.plusMs(s.policy.ResultMs)
	s.forget = s.due.plusMs(s.policy.TombstoneMs)
	s.mayBeGivenBack = false
	return s
}

func (s State) givenBack(t Span) State {
	s.phase, s.attempt, s.reason, s.outcome = available, s.attempt-1, "", ""
	s.end = endContent("not-started", "", 0)
	s.due = Span{s.started.Lo, t.Hi}
	s.hasSuspect, s.suspectToken, s.suspectFence = false, "", 0
	s.mayBeGivenBack = false
	return s
}

// After a crash of the database the lease may end where it was last put durably.
func (s State) crashed() State {
	if s.phase == held {
		s.due.Lo = min(s.due.Lo, s.durable)
	}
	return s
}

// While the clock of the database was elsewhere, up to this time, the sweeper may have come, and dropped a result; unless
// the driver has kept it from that.
func (s State) stepped(step *event) []State {
	s.isHidden = false
	if step.mark.Unswept {
		return []State{s}
	}
	latest := step.latestUs
	states := s.byItself(Span{past, latest})
	for i := range states {
		if states[i].phase == completed && states[i].due.Lo <= latest {
			states[i].due.Lo = past
		}
	}
	return states
}

func (s State) remembers(checkpoint *Checkpoint) State {
	if checkpoint != nil && checkpoint.Sequence > s.checkpoint.Sequence {
		s.checkpoint = *checkpoint
	}
	return s
}
