package main

// One thing that a call may be told of a record in a given state, and what it leaves behind.
type outcome struct {
	kind string
	// Why it was acquired, or refused.
	reason string
	// The record as the call left it, which is what the answer shows.
	next State
	// May be told, and may be left out; of ends.
	late, notLate, already bool
	// It was this claim's own lease already.
	own bool
}

func refused(reason string, s State) outcome {
	return outcome{kind: "refused", reason: reason, next: s}
}

// The order of the checks of a claim, as in src/domain/reducer/claim.ts. Where the time does not decide, all that may be.
func claimOutcomes(s State, in *Input, t Span, granted grant) []outcome {
	if s.phase == absent {
		if in.Intent == "reconcile" {
			return []outcome{refused("RECORD_NOT_FOUND", s)}
		}
		return acquired(s, in, t, granted, "new")
	}
	if s.print != in.Fingerprint && !(in.Intent == "reconcile" && in.Fingerprint == "") {
		return []outcome{refused("FINGERPRINT_MISMATCH", s)}
	}
	if s.claim == in.ClaimID {
		return ownOutcomes(s, in, t)
	}
	if in.Reuse == "reject" {
		return []outcome{refused("RECORD_EXISTS", s)}
	}
	if in.Intent == "reconcile" {
		return reconcileOutcomes(s, in, t, granted)
	}
	return executeOutcomes(s, in, t, granted)
}

// A network retry: the record keeps the claim_id of its newest attempt.
func ownOutcomes(s State, in *Input, t Span) []outcome {
	switch s.phase {
	case held:
		if s.isReconciling() != (in.Intent == "reconcile") {
			return []outcome{refused("CLAIM_ENDED", s)}
		}
		return []outcome{{kind: "acquired", reason: "reattached", next: s.reattached(in, t), own: true}}
	case unknown:
		if in.Intent == "reconcile" {
			return []outcome{refused("CLAIM_ENDED", s)}
		}
		return []outcome{{kind: "outcome-unknown", next: s}}
	case available:
		return []outcome{refused("CLAIM_ENDED", s)}
	}
	return endOutcomes(s, t)
}

func endOutcomes(s State, t Span) []outcome {
	var told []outcome
	if s.due.mayBePast(t) {
		told = append(told, outcome{kind: "expired", next: s})
	}
	if s.due.mayBeAhead(t) {
		told = append(told, outcome{kind: phaseNames[s.phase], next: s})
	}
	return told
}

func executeOutcomes(s State, in *Input, t Span, granted grant) []outcome {
	switch s.phase {
	case completed:
		return endOutcomes(s, t)
	case failed:
		if in.Reuse != "retry-failed" || s.isUsedUp() {
			return endOutcomes(s, t)
		}
		var told []outcome
		if s.due.mayBePast(t) {
			told = append(told, outcome{kind: "expired", next: s})
		}
		if s.due.mayBeAhead(t) {
			told = append(told, acquired(s, in, t, granted, "retry")...)
		}
		return told
	case unknown:
		return []outcome{{kind: "outcome-unknown", next: s}}
	}
	var told []outcome
	if s.due.mayBeAhead(t) {
		kind := "in-progress"
		if s.phase == available {
			kind = "retry-scheduled"
		}
		told = append(told, outcome{kind: kind, next: s})
	}
	if !s.due.mayBePast(t) {
		return told
	}
	switch {
	case s.phase == held && s.isKept():
		told = append(told, outcome{kind: "outcome-unknown", next: s})
	case s.isUsedUp():
		told = append(told, outcome{kind: "failed", next: s.settled(t)})
	case s.phase == available:
		told = append(told, acquired(s, in, t, granted, "retry")...)
	default:
		told = append(told, acquired(s, in, t, granted, "takeover")...)
	}
	return told
}

// Acquires an unknown outcome and nothing else; settles nothing.
func reconcileOutcomes(s State, in *Input, t Span, granted grant) []outcome {
	switch {
	case s.hasEnded():
		return endOutcomes(s, t)
	case s.phase == available:
		return []outcome{refused("INVALID_STATE", s)}
	}
	var told []outcome
	if s.phase == unknown || s.isKept() && s.due.mayBePast(t) {
		told = append(told, acquiredToReconcile(s, in, t, granted)...)
	}
	if s.phase == held && (!s.isKept() || s.due.mayBeAhead(t)) {
		told = append(told, outcome{kind: "in-progress", next: s})
	}
	return told
}

// A forgotten or absent record is claimed for the first time: everything that a first claim fixes is fixed anew.
func acquired(s State, in *Input, t Span, granted grant, reason string) []outcome {
	next, ok := s.leased(in, granted)
	if !ok {
		return nil
	}
	if s.phase == absent {
		next.attempt, next.policy, next.print = 0, in.Policy, in.Fingerprint
		next.outcome, next.checkpoint = "", Checkpoint{}
	}
	next.attempt++
	next.owner, next.started, next.reason = in.Owner, t, ""
	next.hasSuspect, next.suspectToken, next.suspectFence = false, "", 0
	next.due = next.leaseEnd(in.LeaseMs, t)
	next.durable = next.due.Lo
	return []outcome{{kind: "acquired", reason: reason, next: next}}
}

// The suspect keeps its right to end the record, and what it left behind stays. Counts no attempt.
func acquiredToReconcile(s State, in *Input, t Span, granted grant) []outcome {
	next, ok := s.leased(in, granted)
	if !ok {
		return nil
	}
	if !s.hasSuspect {
		next.hasSuspect, next.suspectToken, next.suspectFence = true, s.token, s.fence
	}
	next.started = t
	next.due = t.plusMs(in.LeaseMs)
	next.durable = next.due.Lo
	if next.reason == "" {
		next.reason = "lease-expired"
	}
	return []outcome{{kind: "acquired", reason: "reconcile", next: next}}
}

// What every new lease has. Fences rise, over takeover, expiry, purge and re-creation.
func (s State) leased(in *Input, granted grant) (State, bool) {
	if granted.token == "" {
		s.token, s.fence, s.isGhost = "", s.fence+1, true
	} else if granted.fence <= s.fence {
		return s, false
	} else {
		s.token, s.fence, s.isGhost = granted.token, granted.fence, false
	}
	s.phase, s.claim, s.end = held, in.ClaimID, ""
	s.ended, s.forget = Span{}, Span{}
	s.mayBeGivenBack = in.WaitMs > 0
	return s, true
}

// Same token, fence and attempt. The lease's end always moves, so that the guard of a give-back misses.
func (s State) reattached(in *Input, t Span) State {
	end := t.plusMs(in.LeaseMs)
	if !s.hasSuspect {
		end = s.leaseEnd(in.LeaseMs, t)
	}
	s.due = later(Span{s.due.Lo + 1, s.due.Hi + 1}, end)
	s.durable = s.due.Lo
	s.mayBeGivenBack = false
	return s
}

// The lease asked for, cut at the end of the attempt's longest execution.
func (s *State) leaseEnd(leaseMs int64, t Span) Span {
	end := t.plusMs(leaseMs)
	if s.policy.MaxExecutionMs == 0 {
		return end
	}
	return earlier(end, s.started.plusMs(s.policy.MaxExecutionMs))
}
