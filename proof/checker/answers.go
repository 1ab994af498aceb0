package main

// Whether an answer shows the record that the model has after the call, and what it tells of times that were not known.

func (o outcome) agrees(op *Operation) (State, bool) {
	out := &op.Output
	if o.kind != out.Kind {
		return o.next, false
	}
	s, seen := o.next, &sight{ok: true}
	switch o.kind {
	case "refused":
		seen.same(o.reason == out.Reason)
	case "acquired":
		seen.same(!op.reused && s.token == out.Token && s.fence == out.Fence && !s.isGhost)
		seen.same(o.reason == out.Reason)
		seen.same(s.attempt == out.Attempt && s.shows(out.Checkpoint) && s.outcome == out.Error)
		seen.at(&s.due, out.ExpiresUs)
		s.durable = s.due.Lo
		s.mayBeGivenBack = s.mayBeGivenBack && out.WaitedUs > 0
	case "in-progress":
		seen.same(s.attempt == out.Attempt && s.owner == out.Owner)
		seen.at(&s.started, out.StartedUs)
		seen.at(&s.due, out.ExpiresUs)
	case "completed":
		seen.same(s.phase == completed && s.attempt == out.Attempt)
		seen.same(!op.showsOutcome() || s.outcome == out.Result)
		seen.at(&s.ended, out.EndedUs)
		seen.at(&s.due, out.ResultExpiresUs)
	case "failed":
		seen.same(s.phase == failed && s.attempt == out.Attempt && s.reason == out.Reason)
		seen.same(!op.showsOutcome() || s.outcome == out.Error)
		seen.at(&s.ended, out.EndedUs)
	case "retry-scheduled":
		seen.same(s.attempt == out.Attempt && s.outcome == out.Error)
		seen.at(&s.due, out.DueUs)
	case "outcome-unknown":
		seen.same(s.attempt == out.Attempt && s.owner == out.Owner && s.shows(out.Checkpoint))
		seen.same(s.reason == out.Reason || s.reason == "" && out.Reason == "lease-expired")
		seen.at(&s.due, out.SinceUs)
	case "expired":
		seen.same(phaseNames[s.phase] == out.State)
		seen.at(&s.ended, out.EndedUs)
		seen.at(&s.forget, out.ForgottenUs)
	case "extended":
		seen.same(s.fence == out.Fence)
		seen.at(&s.due, out.ExpiresUs)
		if op.isDurable() {
			s.durable = s.due.Lo
		}
	case "accepted":
		seen.same(phaseNames[s.phase] == out.State && o.already == out.AlreadyApplied)
		seen.same(out.Late && o.late || !out.Late && o.notLate)
		switch s.phase {
		case completed:
			before := s.due
			seen.at(&s.due, out.ResultExpiresUs)
			if before != s.due {
				s.ended = at(s.due.Lo - s.policy.ResultMs*1000)
				s.forget = s.due.plusMs(s.policy.TombstoneMs)
			}
		case available:
			seen.at(&s.due, out.DueUs)
		}
	case "record":
		return s.agreesWithRecord(op)
	}
	return s, seen.ok
}

// Reads show results and errors only if they are asked to.
func (o *Operation) showsOutcome() bool { return o.Op == "claim" || o.Input.IncludeResult }

func (s *State) shows(checkpoint *Checkpoint) bool {
	if checkpoint == nil {
		return s.checkpoint == Checkpoint{}
	}
	return s.checkpoint == *checkpoint
}

type sight struct{ ok bool }

func (v *sight) same(is bool) { v.ok = v.ok && is }

// An instant that an answer shows; from now on it is known.
func (v *sight) at(span *Span, us int64) {
	v.ok = v.ok && span.holds(us)
	*span = at(us)
}

// What a read without a lease is told: GetRecord, and the end of a wait.
func readOutcomes(s State, op *Operation, t Span) []outcome {
	if s.phase == absent {
		return []outcome{refused("RECORD_NOT_FOUND", s)}
	}
	if op.Input.Fingerprint != "" && op.Input.Fingerprint != s.print {
		return []outcome{refused("FINGERPRINT_MISMATCH", s)}
	}
	if op.Op == "get_record" {
		return []outcome{{kind: "record", next: s}}
	}
	if s.hasEnded() {
		return endOutcomes(s, t)
	}
	return nil
}

func (s State) agreesWithRecord(op *Operation) (State, bool) {
	out, t, seen := &op.Output, op.time, &sight{ok: true}
	seen.same(s.attempt == out.Attempt)
	if s.isGhost {
		seen.same(out.Fence >= s.fence)
		s.fence = out.Fence
	} else {
		seen.same(s.fence == out.Fence)
	}
	seen.at(&s.started, out.StartedUs)
	switch out.State {
	case "in-progress":
		seen.same(s.phase == held && s.owner == out.Owner && s.hasSuspect == out.Reconciling)
		seen.same(!s.isKept() || s.due.mayBeAhead(t))
		seen.at(&s.due, out.ExpiresUs)
	case "available":
		seen.same(s.phase == available)
		seen.at(&s.due, out.DueUs)
	case "outcome-unknown":
		lapsed := s.phase == held && s.isKept() && s.due.mayBePast(t)
		seen.same((s.phase == unknown || lapsed) && s.owner == out.Owner)
		seen.same(s.reason == out.Reason || s.reason == "" && out.Reason == "lease-expired")
	case "completed", "failed":
		seen.same(phaseNames[s.phase] == out.State && s.due.mayBeAhead(t))
		seen.at(&s.ended, out.EndedUs)
		seen.at(&s.due, out.ResultExpiresUs)
		seen.at(&s.forget, out.ForgottenUs)
		seen.same(s.phase == completed || s.reason == out.Reason)
		seen.same(!op.showsOutcome() || s.outcome == out.Result+out.Error)
	case "expired":
		seen.same(s.hasEnded() && s.due.mayBePast(t))
		seen.at(&s.ended, out.EndedUs)
		seen.at(&s.due, out.ResultExpiresUs)
		seen.at(&s.forget, out.ForgottenUs)
	default:
		return s, false
	}
	return s, seen.ok
}
