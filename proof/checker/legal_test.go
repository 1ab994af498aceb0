package main

import "testing"

func reuse(how string) edit    { return func(op *Operation) { op.Input.Reuse = how } }
func reconcile(op *Operation)  { op.Input.Intent = "reconcile" }
func holdPolicy(op *Operation) { op.Input.Policy.Hold = true }
func attempts(max int) edit    { return func(op *Operation) { op.Input.Policy.MaxAttempts = max } }
func told(change func(out *Output)) edit {
	return func(op *Operation) { change(&op.Output) }
}
func remembering(sequence uint64) edit {
	return func(op *Operation) { op.Input.Checkpoint = &Checkpoint{Sequence: sequence, Digest: "d"} }
}
func reminded(sequence uint64) edit {
	return told(func(out *Output) { out.Checkpoint = &Checkpoint{Sequence: sequence, Digest: "d"} })
}
func withError(op *Operation) { op.Output.Error = "error" }

var legalRows = []row{
	{"a claim, its work and a replay", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(5, "b", inProgress("a", 1, 0, 1000))
		s.heartbeat(500, 10)
		s.claim(510, "b", inProgress("a", 1, 0, 1500))
		s.complete(600, 10, "r")
		s.claim(700, "c", replays("r", 1, 600))
		s.look(710, Output{State: "completed", Attempt: 1, Fence: 10, Owner: "/a", EndedUs: 600_000, ResultExpiresUs: 60_600_000, ForgottenUs: 120_600_000, Result: "r"})
	}},
	{"a takeover once the lease is over, and the old holder refused", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 20, 2)
		s.complete(1300, 10, "r", refusedWith("LEASE_SUPERSEDED"))
		s.heartbeat(1310, 10, refusedWith("LEASE_SUPERSEDED"))
		s.complete(1400, 20, "s")
	}},
	{"a late end, and a late heartbeat that revives the lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(1500, 10)
		s.claim(1600, "b", inProgress("a", 1, 0, 2500))
		s.complete(3000, 10, "r", late)
	}},
	{"a repeated claim is reattached, and renews the lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(100, "a", "reattached", 10, 1)
		s.claim(200, "b", inProgress("a", 1, 0, 1100))
	}},
	{"a failure that is retried, from its due time on", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "retryable", func(op *Operation) { op.Input.DelayMs, op.Output.DueUs = 300, 400_000 })
		s.claim(200, "b", answered(Output{Kind: "retry-scheduled", Attempt: 1, DueUs: 400_000, Error: "error"}))
		s.acquire(500, "b", "retry", 20, 2, withError)
	}},
	{"what did not start does not count", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "not-started")
		s.acquire(200, "b", "retry", 20, 1, withError)
	}},
	{"a terminal failure is replayed, and claimed again by who asks for that", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "terminal")
		s.claim(200, "b", answered(Output{Kind: "failed", Reason: "reported", Attempt: 1, Error: "error", EndedUs: 100_000}))
		s.claim(210, "c", reuse("reject"), refusedWith("RECORD_EXISTS"))
		s.acquire(300, "d", "retry", 20, 2, reuse("retry-failed"), withError)
	}},
	{"the last attempt used up, by a failure and by a lapse", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, attempts(2))
		s.acquire(1100, "b", "takeover", 20, 2, attempts(2))
		s.claim(2200, "c", attempts(2), answered(Output{Kind: "failed", Reason: "max-attempts", Attempt: 2, EndedUs: 2_200_000}))
		s.complete(2300, 20, "r", refusedWith("RESULT_CONFLICT"))
	}},
	{"another fingerprint is a mismatch in every state", func(s *script) {
		other := func(op *Operation) { op.Input.Fingerprint = "other" }
		s.acquire(0, "a", "new", 10, 1)
		s.claim(10, "b", other, refusedWith("FINGERPRINT_MISMATCH"))
		s.complete(100, 10, "r")
		s.claim(200, "b", other, refusedWith("FINGERPRINT_MISMATCH"))
	}},
	{"a lapse under hold is reconciled, and the suspect ends it", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.claim(1200, "b", answered(Output{Kind: "outcome-unknown", Reason: "lease-expired", Attempt: 1, Owner: "/a", SinceUs: 1_000_000}))
		s.acquire(1300, "r", "reconcile", 20, 1, reconcile)
		s.heartbeat(1350, 10, refusedWith("LEASE_SUPERSEDED"))
		s.complete(1400, 10, "r", late)
		s.complete(1450, 10, "r", already, told(func(out *Output) { out.ResultExpiresUs = 61_400_000 }))
		s.complete(1460, 20, "s", refusedWith("LEASE_SUPERSEDED"))
		s.claim(1500, "b", replays("r", 1, 1400))
	}},
	{"a reconciler's verdict that nothing was done kills the suspect's token", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "outcome-unknown")
		s.claim(110, "a", reconcile, refusedWith("CLAIM_ENDED"))
		s.acquire(200, "r", "reconcile", 20, 1, reconcile, withError)
		s.fail(300, 20, "not-started", func(op *Operation) { op.Input.Error = "" })
		s.complete(400, 10, "r", refusedWith("LEASE_SUPERSEDED"))
		s.acquire(500, "b", "retry", 30, 1)
	}},
	{"repeated ends are told so, and other ones refused", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.complete(200, 10, "r", already, told(func(out *Output) { out.ResultExpiresUs = 60_100_000 }))
		s.complete(300, 10, "s", refusedWith("RESULT_CONFLICT"))
		s.fail(400, 10, "retryable", refusedWith("RESULT_CONFLICT"))
		s.heartbeat(500, 10, refusedWith("INVALID_STATE"))
	}},
	{"a result expires, is forgotten, and the key is claimed anew with a higher fence", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(70_000, "b", answered(Output{Kind: "expired", State: "completed", EndedUs: 100_000, ForgottenUs: 120_100_000}))
		s.acquire(130_000, "c", "new", 20, 1)
	}},
	{"an abandoned record may be gone one retention after its lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(70_000, "b", "new", 20, 1)
	}},
	{"checkpoints only rise, over attempts", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(10, 10, remembering(5))
		s.heartbeat(20, 10, remembering(3))
		s.acquire(1200, "b", "takeover", 20, 2, reminded(5))
	}},
	{"a claim that nobody was answered holds the record, and is reattached", func(s *script) {
		s.claim(0, "a", lost)
		s.claim(10, "b", inProgress("a", 1, 3, 1003))
		s.acquire(20, "a", "reattached", 10, 1)
	}},
	{"a claim that nobody was answered never came", func(s *script) {
		s.claim(0, "a", lost)
		s.acquire(10, "b", "new", 10, 1)
	}},
	{"an end that nobody was answered is told to its repeat", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", lost)
		s.complete(200, 10, "r", already, told(func(out *Output) { out.ResultExpiresUs = 60_150_000 }))
	}},
	{"an end that nobody was answered comes late, when another attempt has begun", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", lost)
		s.acquire(1100, "b", "takeover", 20, 2)
		s.complete(1200, 20, "s")
	}},
	{"calls of one instant take effect in either order", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(2, "b", until(50), replays("r", 1, 20))
		s.complete(20, 10, "r")
		s.claim(5, "c", until(60), inProgress("a", 1, 0, 1000))
	}},
	{"a crash of the database puts a lease back to where it was durable", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(900, 10)
		s.mark("database-crash", 950, 1000)
		s.acquire(1200, "b", "takeover", 20, 2)
	}},
	{"a store that lost its connection does a claim twice", func(s *script) {
		s.mark("trouble", 5, 40)
		s.acquire(0, "a", "reattached", 10, 1, until(100), decided(50), told(func(out *Output) { out.ExpiresUs = 1_050_000 }))
		s.claim(20, "b", inProgress("a", 1, 10, 1010))
	}},
	{"a store that lost its connection does an end twice", func(s *script) {
		s.mark("trouble", 90, 150)
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r", already, until(200), told(func(out *Output) { out.ResultExpiresUs = 60_120_000 }))
	}},
	{"a promoted claim whose caller has gone is given back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(10, "b", func(op *Operation) { op.Input.WaitMs = 900 }, lost)
		s.fail(100, 10, "not-started", func(op *Operation) { op.Input.Error = "" })
		s.claim(150, "c", inProgress("b", 1, 101, 1101))
		s.acquire(300, "c", "retry", 30, 1)
	}},
	{"nothing is concluded about times across a step of the clock", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.mark("clock-step", 100, 110)
		s.acquire(200, "b", "takeover", 20, 2, decided(5000), told(func(out *Output) { out.ExpiresUs = 6_000_000 }))
	}},
	{"a record whose time was over is there again when the clock is set back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.mark("clock-step", 150, 160)
		s.look(200, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.heartbeat(210, 10, refusedWith("RECORD_NOT_FOUND"))
		s.mark("clock-step", 250, 260)
		s.claim(300, "b", replays("r", 1, 100))
	}},
	{"a heartbeat that nobody was answered took effect before the clock was set back", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.acquire(2, "a", "new", 10, 1, decided(5002), told(func(out *Output) { out.ExpiresUs = 6_002_000 }))
		s.heartbeat(500, 10, lost)
		s.mark("clock-step", 600, 610)
		s.heartbeat(700, 10, told(func(out *Output) { out.ExpiresUs = 6_500_500 }))
	}},
	{"a heartbeat that nobody was answered, decided before the clock was set back, is there only after it was read", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.acquireAhead(2, "a", 10)
		s.heartbeat(500, 10, lost)
		s.mark("clock-step", 501, 502)
		s.claim(505, "b", inProgress("a", 1, hourMs+2, hourMs+2+leaseMs))
		s.claim(520, "c", inProgress("a", 1, hourMs+2, hourMs+500+leaseMs))
		s.tellTime(525)
	}},
	{"an end that nobody was answered, decided before the clock was set back, is there only after it was read", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.acquireAhead(2, "a", 10)
		s.complete(500, 10, "r", lost)
		s.mark("clock-step", 501, 502)
		s.claim(505, "b", inProgress("a", 1, hourMs+2, hourMs+2+leaseMs))
		s.claim(520, "c", replays("r", 1, hourMs+500))
		s.tellTime(525)
	}},
	{"a claim that nobody was answered, decided before the clock was set back, is there only after it was looked for", func(s *script) {
		s.mark("clock-step", 0, 1)
		s.claim(500, "a", lost)
		s.mark("clock-step", 501, 502)
		s.look(505, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.claim(520, "b", inProgress("a", 1, hourMs+500, hourMs+500+leaseMs))
		s.tellTime(525)
	}},
	{"a record is claimed anew while the clock is ahead, though no sweeper came", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.unswept(150, 151)
		s.look(200, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.acquireAhead(210, "b", 20)
		s.unswept(300, 301)
		s.claim(310, "c", inProgress("b", 1, hourMs+210, hourMs+210+leaseMs))
		s.tellTime(320)
	}},
	{"a claim that nobody was answered takes the record anew while the clock is ahead, though no sweeper came", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.unswept(150, 151)
		s.tellTimeAhead(200)
		s.claim(210, "b", lost)
		s.unswept(300, 301)
		s.claim(310, "c", inProgress("b", 1, hourMs+210, hourMs+210+leaseMs))
		s.tellTime(320)
	}},
	{"a record whose time was over is swept before the clock is set back", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.mark("clock-step", 150, 160)
		s.look(200, Output{}, refusedWith("RECORD_NOT_FOUND"))
		s.mark("clock-step", 250, 260)
		s.look(300, Output{}, refusedWith("RECORD_NOT_FOUND"))
	}},
}

func TestLegalHistoriesAreLegal(t *testing.T) { holdsAll(t, legal, legalRows) }
