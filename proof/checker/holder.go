package main

import "strconv"

// What the holder's calls are told. They compare token and fence and the state, never the time, as in
// src/domain/reducer/finish.ts and heartbeat.ts.

func endContent(kind, outcome string, delayMs int64) string {
	return kind + "|" + outcome + "|" + itoa(delayMs)
}

func heartbeatOutcomes(s State, in *Input, t Span) []outcome {
	if s.phase == absent {
		return []outcome{refused("RECORD_NOT_FOUND", s)}
	}
	if !s.isProvenBy(in) {
		return s.proofRefused(in)
	}
	if s.phase != held {
		if s.endedBySuspect() {
			return []outcome{refused("LEASE_SUPERSEDED", s)}
		}
		return []outcome{refused("INVALID_STATE", s)}
	}
	next := s.remembers(in.Checkpoint)
	next.due = later(s.due, s.leaseEnd(in.LeaseMs, t))
	next.mayBeGivenBack = false
	return []outcome{{kind: "extended", next: next}}
}

// A bare extension may be lost when the database crashes.
func (o *Operation) isDurable() bool { return o.Input.Checkpoint != nil || o.Input.ExternalRef != "" }

func finishOutcomes(s State, op *Operation, t Span) []outcome {
	in := &op.Input
	t = op.decidedAt(s, t)
	if s.phase == absent {
		return []outcome{refused("RECORD_NOT_FOUND", s)}
	}
	kind := op.endKind()
	endsRecord := kind == "complete" || kind == "terminal"
	if endsRecord && s.hasSuspect && s.suspectToken == in.Token && s.suspectFence == in.Fence {
		if s.hasEnded() {
			return s.repeated(op, "RESULT_CONFLICT")
		}
		return s.accepted(op, t, true)
	}
	if !s.isProvenBy(in) {
		return s.proofRefused(in)
	}
	switch {
	case s.endedBySuspect():
		return s.repeated(op, "LEASE_SUPERSEDED")
	case s.hasEnded():
		return s.repeated(op, "RESULT_CONFLICT")
	case s.phase == available:
		return s.repeated(op, "INVALID_STATE")
	}
	return s.accepted(op, t, false)
}

// The answer to an end tells its time by what it adds to it.
func (o *Operation) decidedAt(s State, t Span) Span {
	out := &o.Output
	if o.isUnknown() || out.Kind != "accepted" || out.AlreadyApplied {
		return t
	}
	told := anyTime
	if out.State == "completed" {
		told = at(out.ResultExpiresUs - s.policy.ResultMs*1000)
	} else if out.State == "available" {
		told = at(out.DueUs - o.Input.DelayMs*1000)
	}
	if narrow, ok := told.and(t); ok {
		return narrow
	}
	return t
}

func (s *State) isProvenBy(in *Input) bool {
	return !s.isGhost && s.token == in.Token && s.fence == in.Fence
}

// Of a ghost only the lowest fence that it can have is known.
func (s State) proofRefused(in *Input) []outcome {
	var told []outcome
	if s.isGhost || in.Fence < s.fence {
		told = append(told, refused("LEASE_SUPERSEDED", s))
	}
	if in.Fence >= s.fence {
		told = append(told, refused("LEASE_TOKEN_INVALID", s))
	}
	return told
}

func (o *Operation) endKind() string {
	if o.Op == "complete" {
		return "complete"
	}
	return o.Input.Kind
}

var phaseAfter = map[string]phase{
	"complete": completed, "retryable": available, "terminal": failed, "outcome-unknown": unknown, "not-started": available,
}

func (s State) accepted(op *Operation, t Span, bySuspect bool) []outcome {
	in, kind := &op.Input, op.endKind()
	next := s.remembers(in.Checkpoint)
	next.phase = phaseAfter[kind]
	next.reason = ""
	if next.phase == failed || next.phase == unknown {
		next.reason = "reported"
	}
	if kind == "retryable" && s.isUsedUp() {
		next.phase, next.reason = failed, "max-attempts"
	}
	next.outcome, next.end = in.Error, op.endContent()
	if kind == "complete" {
		next.outcome = in.Result
	}
	if kind == "not-started" {
		next.attempt--
	}
	if next.phase != unknown && !bySuspect {
		next.hasSuspect, next.suspectToken, next.suspectFence = false, "", 0
	}
	next.mayBeGivenBack = false
	switch next.phase {
	case completed, failed:
		next.ended = t
		next.due = t.plusMs(s.policy.ResultMs)
		next.forget = next.due.plusMs(s.policy.TombstoneMs)
	case available:
		next.due = t.plusMs(in.DelayMs)
	default:
		next.due = t
	}
	surelyLate := s.phase == unknown || bySuspect
	return []outcome{{
		kind: "accepted", next: next,
		late: surelyLate || s.due.mayBePast(t), notLate: !surelyLate && s.due.mayBeAhead(t),
	}}
}

// The attempt has ended before: the same call is told so, any other is refused.
func (s State) repeated(op *Operation, otherwise string) []outcome {
	if s.end != op.endContent() {
		return []outcome{refused(otherwise, s)}
	}
	return []outcome{{kind: "accepted", next: s, already: true, notLate: true}}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
