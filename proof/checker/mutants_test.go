package main

import (
	"slices"
	"sort"
	"testing"
	"time"
)

// A lie about one answer of a history that was recorded from real servers.
type mutant struct {
	name string
	// Changes the answer; false if it is not of the kind.
	tell func(op *Operation, before []*Operation) bool
}

var mutants = []mutant{
	{"another byte in a replayed result", func(op *Operation, _ []*Operation) bool {
		op.Output.Result = "0" + op.Output.Result
		return op.Op == "claim" && op.Output.Kind == "completed"
	}},
	{"another byte in a replayed error", func(op *Operation, _ []*Operation) bool {
		op.Output.Error = "0" + op.Output.Error
		return op.Op == "claim" && (op.Output.Kind == "failed" || op.Output.Kind == "retry-scheduled")
	}},
	{"a fence that does not rise", func(op *Operation, before []*Operation) bool {
		newest := newestLease(before)
		if !isFresh(op) || newest == nil {
			return false
		}
		op.Output.Fence = newest.Output.Fence
		return true
	}},
	{"an old token given out again", func(op *Operation, before []*Operation) bool {
		newest := newestLease(before)
		if !isFresh(op) || newest == nil {
			return false
		}
		op.Output.Token = newest.Output.Token
		return true
	}},
	{"an attempt that was not counted", func(op *Operation, _ []*Operation) bool {
		op.Output.Attempt--
		return isFresh(op) && op.Output.Reason != "reconcile"
	}},
	{"an attempt too many", func(op *Operation, _ []*Operation) bool {
		op.Output.Attempt++
		return op.Output.Attempt > 1
	}},
	{"a refused end of a superseded holder that is accepted", func(op *Operation, _ []*Operation) bool {
		if op.Op != "complete" && op.Op != "fail" || op.Output.Reason != "LEASE_SUPERSEDED" {
			return false
		}
		op.Output = Output{Kind: "accepted", State: phaseNames[phaseAfter[op.endKind()]], Late: true}
		op.Output.ResultExpiresUs = op.time.Hi + keptMs*1000
		op.Output.DueUs = op.time.Hi + op.Input.DelayMs*1000
		return true
	}},
	{"a refused heartbeat that is accepted", func(op *Operation, _ []*Operation) bool {
		if op.Op != "heartbeat" || op.Output.Kind != "refused" {
			return false
		}
		op.Output = Output{Kind: "extended", Token: op.Input.Token, Fence: op.Input.Fence, ExpiresUs: op.time.Hi + op.Input.LeaseMs*1000}
		return true
	}},
	{"an accepted end that is refused", func(op *Operation, _ []*Operation) bool {
		was := op.Output.Kind
		op.Output = Output{Kind: "refused", Reason: "LEASE_SUPERSEDED"}
		return was == "accepted"
	}},
	{"a repeated end that is accepted once more", func(op *Operation, _ []*Operation) bool {
		was := op.Output.AlreadyApplied
		op.Output.AlreadyApplied = false
		return was
	}},
	{"an end that was late and is not, or the other way round", func(op *Operation, _ []*Operation) bool {
		op.Output.Late = !op.Output.Late
		// Of other ends the time is not told, so near the lease's end it may have been either.
		return op.Output.Kind == "accepted" && (op.Output.State == "completed" || op.Output.State == "available")
	}},
	{"a lease that ends a millisecond later than it was asked for", func(op *Operation, _ []*Operation) bool {
		op.Output.ExpiresUs += 1000
		return isFresh(op)
	}},
	{"a lease that ends a millisecond before it was known to", func(op *Operation, before []*Operation) bool {
		isKnown := slices.ContainsFunc(before, func(other *Operation) bool {
			return other.Output.Attempt == op.Output.Attempt && other.Output.ExpiresUs >= op.Output.ExpiresUs
		})
		op.Output.ExpiresUs -= 1000
		return op.Output.Kind == "in-progress" && isKnown
	}},
	{"a lease that began a millisecond earlier", func(op *Operation, _ []*Operation) bool {
		op.Output.StartedUs -= 1000
		return op.Output.Kind == "in-progress"
	}},
	{"another owner", func(op *Operation, _ []*Operation) bool {
		op.Output.Owner = "/somebody"
		return op.Output.Kind == "in-progress" || op.Output.Kind == "outcome-unknown"
	}},
	{"a record that is not there", func(op *Operation, before []*Operation) bool {
		was := op.Output.Kind
		op.Output = Output{Kind: "refused", Reason: "RECORD_NOT_FOUND"}
		return was == "record" && newestLease(before) != nil
	}},
	{"a completed record that is claimed again", func(op *Operation, before []*Operation) bool {
		newest := newestLease(before)
		if op.Op != "claim" || op.Output.Kind != "completed" || newest == nil {
			return false
		}
		us := op.time.Hi
		op.ServerTimeUs = &us
		op.Output = Output{
			Kind: "acquired", Reason: "takeover", Token: "new", Fence: newest.Output.Fence + 1, Attempt: op.Output.Attempt + 1,
			ExpiresUs: us + op.Input.LeaseMs*1000,
		}
		return true
	}},
	{"a mismatch where there is none", func(op *Operation, _ []*Operation) bool {
		was := op.Output
		op.Output = Output{Kind: "refused", Reason: "FINGERPRINT_MISMATCH"}
		return op.Op == "claim" && was.Kind != "refused" && op.Input.Intent == "execute"
	}},
	{"a mismatch that is overlooked", func(op *Operation, _ []*Operation) bool {
		was := op.Output.Reason
		op.Output = Output{Kind: "refused", Reason: "RECORD_EXISTS"}
		op.Input.Reuse = "reject"
		return was == "FINGERPRINT_MISMATCH"
	}},
	{"an existing record that RECORD_EXISTS does not tell of", func(op *Operation, _ []*Operation) bool {
		op.Input.Reuse = "replay-all"
		return op.Output.Reason == "RECORD_EXISTS"
	}},
	{"a checkpoint of another sequence", func(op *Operation, _ []*Operation) bool {
		if op.Output.Checkpoint == nil || op.Op != "claim" {
			return false
		}
		op.Output.Checkpoint = &Checkpoint{op.Output.Checkpoint.Sequence + 1, op.Output.Checkpoint.Digest}
		return true
	}},
	{"a first claim that was none", func(op *Operation, _ []*Operation) bool {
		op.Output.Reason = "new"
		return isFresh(op) && op.Output.Attempt > 1
	}},
}

// So many answers of each key are lied about, one at a time: those in between take long, and find nothing else.
const liesMax = 4

// Each lie is told of answers from the whole history.
func TestEveryMutantOfARecordedHistoryIsFound(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			told := 0
			keys, clocks := recorded(t)
			for _, calls := range keys {
				for _, i := range m.places(calls) {
					copies := copied(calls)
					m.tell(copies[i], answeredBefore(copies, copies[i]))
					told++
					tellGrants(copies)
					j := &judge{timeout: 20 * time.Second, clocks: clocks}
					if got, _ := j.calls(copies); got != illegal {
						t.Errorf("%s is %s: %s", copies[i].place, got, copies[i].describe())
					}
				}
			}
			if told == 0 {
				t.Error("is of no answer in the history")
			}
		})
	}
}

// Where it can be told, spread over the history.
func (m mutant) places(calls []*Operation) []int {
	var all, some []int
	for i, op := range calls {
		copy := *op
		if !op.isUnknown() && m.tell(&copy, answeredBefore(calls, op)) {
			all = append(all, i)
		}
	}
	for n := range min(liesMax, len(all)) {
		some = append(some, all[n*len(all)/min(liesMax, len(all))])
	}
	return some
}

func TestTheRecordedHistoryIsLegal(t *testing.T) {
	t.Parallel()
	keys, clocks := recorded(t)
	j := &judge{timeout: 20 * time.Second, clocks: clocks}
	for key, calls := range keys {
		if got, _ := j.calls(calls); got != legal {
			t.Errorf("%v is %s", key, got)
		}
	}
}

func recorded(t *testing.T) (map[recordKey][]*Operation, *clocks) {
	t.Helper()
	h, err := openHistory([]string{"testdata/callers.ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	keys := map[recordKey][]*Operation{}
	for key := range h.spots {
		if keys[key], err = h.read(key); err != nil {
			t.Fatal(err)
		}
	}
	return keys, h.clocks
}

func copied(calls []*Operation) []*Operation {
	copies := make([]*Operation, len(calls))
	for i, op := range calls {
		own := *op
		copies[i] = &own
	}
	return copies
}

// A lease that was given out, and not confirmed.
func isFresh(op *Operation) bool {
	return op.Output.Kind == "acquired" && op.Output.Reason != "reattached"
}

func answeredBefore(calls []*Operation, op *Operation) []*Operation {
	var before []*Operation
	for _, other := range calls {
		if !other.isUnknown() && *other.ReturnNs < op.CallNs {
			before = append(before, other)
		}
	}
	return before
}

func newestLease(calls []*Operation) *Operation {
	var leases []*Operation
	for _, op := range calls {
		if op.Output.Kind == "acquired" {
			leases = append(leases, op)
		}
	}
	if len(leases) == 0 {
		return nil
	}
	sort.Slice(leases, func(i, j int) bool { return leases[i].Output.Fence < leases[j].Output.Fence })
	return leases[len(leases)-1]
}
