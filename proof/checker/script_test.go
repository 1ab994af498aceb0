package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

// A history by hand. Instants are in milliseconds: a call at t is answered at t + 1, and decided in between.
type script struct {
	calls []*Operation
	marks []*Operation
}

type edit func(*Operation)

const leaseMs, keptMs = 1000, 60_000

var usual = Policy{ResultMs: keptMs, TombstoneMs: keptMs}

func (s *script) add(atMs int64, op *Operation, edits []edit) *Operation {
	returnNs := (atMs + 1) * 1e6
	op.Version, op.Client, op.CallNs, op.ReturnNs = formatVersion, "c", atMs*1e6, &returnNs
	for _, change := range edits {
		change(op)
	}
	op.place = "line " + itoa(int64(len(s.calls)+1))
	s.calls = append(s.calls, op)
	return op
}

func (s *script) claim(atMs int64, id string, edits ...edit) *Operation {
	in := Input{ClaimID: id, Fingerprint: "print", LeaseMs: leaseMs, Intent: "execute", Reuse: "replay-all", Policy: usual, Owner: "/" + id}
	return s.add(atMs, &Operation{Op: "claim", Input: in}, edits)
}

// A claim that is acquired, of a fence of its own and the token named after it.
func (s *script) acquire(atMs int64, id, reason string, fence int64, attempt int, edits ...edit) *Operation {
	out := Output{Kind: "acquired", Reason: reason, Token: "t" + itoa(fence), Fence: fence, Attempt: attempt, ExpiresUs: (atMs + leaseMs) * 1000}
	return s.claim(atMs, id, append([]edit{answered(out), decided(atMs)}, edits...)...)
}

func (s *script) heartbeat(atMs, fence int64, edits ...edit) *Operation {
	in := Input{Token: "t" + itoa(fence), Fence: fence, LeaseMs: leaseMs}
	out := Output{Kind: "extended", Token: in.Token, Fence: fence, ExpiresUs: (atMs + leaseMs) * 1000}
	return s.add(atMs, &Operation{Op: "heartbeat", Input: in, Output: out}, append([]edit{decided(atMs)}, edits...))
}

func (s *script) complete(atMs, fence int64, result string, edits ...edit) *Operation {
	in := Input{Token: "t" + itoa(fence), Fence: fence, Result: result}
	out := Output{Kind: "accepted", State: "completed", ResultExpiresUs: (atMs + keptMs) * 1000}
	return s.add(atMs, &Operation{Op: "complete", Input: in, Output: out}, edits)
}

func (s *script) fail(atMs, fence int64, kind string, edits ...edit) *Operation {
	in := Input{Token: "t" + itoa(fence), Fence: fence, Kind: kind, Error: "error"}
	state := phaseNames[phaseAfter[kind]]
	out := Output{Kind: "accepted", State: state}
	if state == "available" {
		out.DueUs = atMs * 1000
	}
	return s.add(atMs, &Operation{Op: "fail", Input: in, Output: out}, edits)
}

func (s *script) look(atMs int64, out Output, edits ...edit) *Operation {
	out.Kind = "record"
	op := &Operation{Op: "get_record", Input: Input{IncludeResult: true}, Output: out}
	return s.add(atMs, op, edits)
}

func (s *script) mark(kind string, fromMs, toMs int64) {
	s.marks = append(s.marks, &Operation{Mark: kind, FromNs: fromMs * 1e6, ToNs: toMs * 1e6})
}

// A step of the clock by which no sweeper was misled.
func (s *script) unswept(fromMs, toMs int64) {
	s.mark("clock-step", fromMs, toMs)
	s.marks[len(s.marks)-1].Unswept = true
}

// By how far the database's clock is ahead of the callers' in some histories.
const hourMs = 3_600_000

func (s *script) acquireAhead(atMs int64, id string, fence int64, edits ...edit) *Operation {
	expires := told(func(out *Output) { out.ExpiresUs = (hourMs + atMs + leaseMs) * 1000 })
	return s.acquire(atMs, id, "new", fence, 1, append([]edit{decided(hourMs + atMs), expires}, edits...)...)
}

func ofAnother(op *Operation) { op.Key = "another" }

// By the lease of another key.
func (s *script) tellTime(atMs int64) { s.acquire(atMs, "teller", "new", 1, 1, ofAnother) }

func (s *script) tellTimeAhead(atMs int64) { s.acquireAhead(atMs, "teller", 1, ofAnother) }

func answered(out Output) edit { return func(op *Operation) { op.Output = out } }

func decided(atMs int64) edit {
	return func(op *Operation) {
		us := atMs * 1000
		op.ServerTimeUs = &us
	}
}

func refusedWith(reason string) edit {
	return func(op *Operation) { op.Output, op.ServerTimeUs = Output{Kind: "refused", Reason: reason}, nil }
}

func lost(op *Operation) {
	op.Output, op.ReturnNs, op.ServerTimeUs = Output{Kind: "unknown", Code: "Unavailable"}, nil, nil
}

func until(ms int64) edit {
	return func(op *Operation) {
		ns := ms * 1e6
		op.ReturnNs = &ns
	}
}

func already(op *Operation) { op.Output.AlreadyApplied = true }

func late(op *Operation) { op.Output.Late = true }

func replays(result string, attempt int, endedMs int64) edit {
	return answered(Output{
		Kind: "completed", Result: result, Attempt: attempt, EndedUs: endedMs * 1000, ResultExpiresUs: (endedMs + keptMs) * 1000,
	})
}

func inProgress(owner string, attempt int, startedMs, expiresMs int64) edit {
	return answered(Output{
		Kind: "in-progress", Owner: "/" + owner, Attempt: attempt, StartedUs: startedMs * 1000, ExpiresUs: expiresMs * 1000,
	})
}

func (s *script) verdict() verdict {
	j, calls := s.judged()
	found, _ := j.calls(calls)
	return found
}

func (s *script) judged() (*judge, []*Operation) {
	var told []reading
	for _, op := range s.calls {
		if op.ServerTimeUs != nil && !op.isUnknown() {
			told = append(told, reading{op.CallNs, *op.ReturnNs, *op.ServerTimeUs})
		}
	}
	clocks := compareClocks(told, s.marks)
	j := &judge{marks: s.marks, clocks: clocks, timeout: 20 * time.Second}
	// Calls of another key tell the time, and nothing else.
	own := slices.DeleteFunc(slices.Clone(s.calls), func(op *Operation) bool { return op.Key != "" })
	return j, prepared(own, s.marks, clocks)
}

type row struct {
	name  string
	write func(s *script)
}

func holdsAll(t *testing.T, want verdict, rows []row) {
	t.Helper()
	for _, each := range rows {
		t.Run(each.name, func(t *testing.T) {
			t.Parallel()
			s := &script{}
			each.write(s)
			if got := s.verdict(); got != want {
				for _, op := range s.calls {
					t.Log(op.place, op.describeBy(math.MaxInt64))
				}
				t.Errorf("is %s, and should be %s", got, want)
			}
		})
	}
}
