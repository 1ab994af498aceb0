package main

import "testing"

// At least one for every row of the model of what a holder, a reconciler and a reader are told, and of lost answers.
var illegalEnds = []row{
	{"a completion by the old holder after a takeover", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 20, 2)
		s.complete(1300, 10, "r")
	}},
	{"a completion refused though it holds the lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", refusedWith("LEASE_SUPERSEDED"))
	}},
	{"a completion under a token that was never given out", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", token("t11"))
	}},
	{"a record whose time was over is there again though the clock was not set back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.mark("clock-step", 150, 160)
		s.look(200, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.claim(300, "b", replays("r", 1, 100))
	}},
	{"a record that was claimed anew is the former one when the clock is set back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.mark("clock-step", 150, 160)
		s.look(200, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.acquire(210, "b", "new", 20, 1, decided(200_000), told(func(out *Output) { out.ExpiresUs = 201_000_000 }))
		s.mark("clock-step", 250, 260)
		s.claim(300, "c", replays("r", 1, 100))
	}},
	{"a result is gone when the clock is set back, though nobody asked and no sweeper came", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.unswept(150, 151)
		s.tellTimeAhead(200)
		s.unswept(300, 301)
		s.tellTime(310)
		s.acquire(320, "b", "new", 20, 1)
	}},
	{"a result is gone when the clock is set back, though it was only looked for and no sweeper came", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.unswept(150, 151)
		s.tellTimeAhead(200)
		s.look(210, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.unswept(300, 301)
		s.tellTime(310)
		s.look(320, Output{}, refusedWith("RECORD_NOT_FOUND"))
	}},
	{"a heartbeat that nobody was answered, by a time that the clock had not shown when it was set back", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.acquireAhead(2, "a", 10)
		s.heartbeat(500, 10, lost)
		s.mark("clock-step", 501, 502)
		s.claim(520, "b", inProgress("a", 1, hourMs+2, hourMs+600+leaseMs))
		s.tellTime(525)
	}},
	{"a heartbeat that nobody was answered, by the clock as it was before the call", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.acquireAhead(2, "a", 10)
		s.mark("clock-step", 501, 502)
		s.tellTime(503)
		s.heartbeat(505, 10, lost)
		s.claim(520, "b", inProgress("a", 1, hourMs+2, hourMs+500+leaseMs))
	}},
	{"a completion of an absent record", func(s *script) {
		s.complete(100, 10, "r")
	}},
	{"a completion that is late without being", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", late)
	}},
	{"a first completion told that it had been applied, though nothing was disturbed", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", already)
	}},
	{"a second completion accepted with another result", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.complete(200, 10, "s")
	}},
	{"a failure accepted after a completion", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.fail(200, 10, "terminal")
	}},
	{"a completion accepted after a release", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "retryable")
		s.complete(200, 10, "r")
	}},
	{"a heartbeat by the old holder after a takeover", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 20, 2)
		s.heartbeat(1300, 10)
	}},
	{"a heartbeat after the end", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.heartbeat(200, 10)
	}},
	{"a heartbeat that shortens the lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, func(op *Operation) { op.Input.LeaseMs, op.Output.ExpiresUs = 5000, 5_000_000 })
		s.heartbeat(100, 10)
	}},
	{"a lease that passes the longest execution", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, func(op *Operation) { op.Input.Policy.MaxExecutionMs = 1200 })
		s.heartbeat(900, 10)
	}},
	{"a checkpoint that a lower one replaced", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(10, 10, remembering(5))
		s.heartbeat(20, 10, remembering(3))
		s.acquire(1200, "b", "takeover", 20, 2, reminded(3))
	}},
	{"a durable checkpoint that is lost", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(10, 10, remembering(5))
		s.acquire(1200, "b", "takeover", 20, 2)
	}},
	{"a claim before the due time", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "retryable", func(op *Operation) { op.Input.DelayMs, op.Output.DueUs = 300, 400_000 })
		s.acquire(200, "b", "retry", 20, 2, withError)
	}},
	{"an attempt beyond the last", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, attempts(1))
		s.acquire(1100, "b", "takeover", 20, 2, attempts(1))
	}},
	{"the last failed attempt that is scheduled again", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, attempts(1))
		s.fail(100, 10, "retryable")
	}},
	{"a terminal failure that is claimed again by who did not ask for that", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "terminal")
		s.acquire(300, "d", "retry", 20, 2, withError)
	}},
	{"a takeover under hold", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(1200, "b", "takeover", 20, 2, holdPolicy)
	}},
	{"an unknown outcome that somebody executes", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "outcome-unknown")
		s.acquire(200, "b", "retry", 20, 2, withError)
	}},
	{"a reconciler of a live lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(500, "r", "reconcile", 20, 1, reconcile)
	}},
	{"a reconciler of a lapsed lease that is anybody's", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1500, "r", "reconcile", 20, 1, reconcile)
	}},
	{"a reconciler's claim that counts", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "outcome-unknown")
		s.acquire(200, "r", "reconcile", 20, 2, reconcile, withError)
	}},
	{"a suspect's end refused", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(1300, "r", "reconcile", 20, 1, reconcile)
		s.complete(1400, 10, "r", refusedWith("LEASE_SUPERSEDED"))
	}},
	{"a suspect's heartbeat accepted", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(1300, "r", "reconcile", 20, 1, reconcile)
		s.heartbeat(1400, 10)
	}},
	{"a verdict after the suspect has ended the record", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(1300, "r", "reconcile", 20, 1, reconcile)
		s.complete(1400, 10, "r", late)
		s.fail(1500, 20, "not-started")
	}},
	{"a suspect's end after the verdict", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "outcome-unknown")
		s.acquire(200, "r", "reconcile", 20, 1, reconcile, withError)
		s.fail(300, 20, "not-started")
		s.complete(400, 10, "r", late)
	}},
	{"a reconciler's death that frees the record", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "outcome-unknown")
		s.acquire(200, "r", "reconcile", 20, 1, reconcile, withError)
		s.acquire(1500, "b", "takeover", 30, 2, withError)
	}},
	{"a read of another fence", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.look(5, Output{State: "in-progress", Attempt: 1, Fence: 11, Owner: "/a", ExpiresUs: 1_000_000})
	}},
	{"a read of a state that is over", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.look(200, Output{State: "in-progress", Attempt: 1, Fence: 10, Owner: "/a", ExpiresUs: 1_000_000})
	}},
	{"a wait that ends before the record does", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.add(50, &Operation{Op: "wait_for"}, []edit{replays("r", 1, 100)})
		s.complete(100, 10, "r")
	}},
	{"an unanswered claim that took effect before it was made", func(s *script) {
		s.claim(5, "b", inProgress("a", 1, 3, 1003))
		s.claim(20, "a", lost)
	}},
	{"an unanswered end that took effect after its repeat was refused", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", lost)
		s.acquire(1100, "b", "takeover", 20, 2)
		s.claim(1200, "c", replays("r", 1, 1150))
	}},
	{"a promoted claim that was answered at once is not given back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, func(op *Operation) { op.Input.WaitMs = 900 })
		s.acquire(100, "b", "retry", 20, 1)
	}},
}

func TestIllegalEndsAreFound(t *testing.T) { holdsAll(t, illegal, illegalEnds) }
