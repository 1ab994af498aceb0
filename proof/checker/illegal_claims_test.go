package main

import "testing"

func token(text string) edit {
	return func(op *Operation) {
		if op.Op == "claim" {
			op.Output.Token = text
		} else {
			op.Input.Token = text
		}
	}
}

// At least one for every row of the model of a claim.
var illegalClaims = []row{
	{"two claims of a new key win", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(5, "b", "new", 20, 1)
	}},
	{"two open claims win", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, until(50))
		s.acquire(5, "b", "new", 20, 1, until(50))
	}},
	{"a takeover while the lease is live", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(900, "b", "takeover", 20, 2)
	}},
	{"a takeover while a heartbeat has extended the lease", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(900, 10)
		s.acquire(1200, "b", "takeover", 20, 2)
	}},
	{"the same after a crash, of a heartbeat that was durable", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.heartbeat(900, 10, remembering(1))
		s.mark("database-crash", 950, 1000)
		s.acquire(1200, "b", "takeover", 20, 2, reminded(1))
	}},
	{"a takeover with a fence that does not rise", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 9, 2)
	}},
	{"a fence that falls over the forgetting of a record", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.acquire(130_000, "b", "new", 9, 1)
	}},
	{"a token given out twice", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 20, 2, token("t10"))
	}},
	{"an attempt that is not counted", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(1200, "b", "takeover", 20, 1)
	}},
	{"an attempt that is counted though it did not start", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "not-started")
		s.acquire(200, "b", "retry", 20, 2, withError)
	}},
	{"a claim told of another owner", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(5, "b", inProgress("c", 1, 0, 1000))
	}},
	{"a lease that ends when it does not", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(5, "b", inProgress("a", 1, 0, 1001))
	}},
	{"in progress once the lease is over, which is claimable", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(1500, "b", inProgress("a", 1, 0, 1000))
	}},
	{"a lease shorter than was asked for", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, told(func(out *Output) { out.ExpiresUs = 900_000 }))
	}},
	{"a reattached claim that moves the fence", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(100, "a", "reattached", 20, 1)
	}},
	{"a repeated claim that acquires anew", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(100, "a", "takeover", 20, 2)
	}},
	{"an ended claim_id that acquires again", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.fail(100, 10, "retryable")
		s.acquire(200, "a", "retry", 20, 2, withError)
	}},
	{"another fingerprint that is replayed", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", func(op *Operation) { op.Input.Fingerprint = "other" }, replays("r", 1, 100))
	}},
	{"a mismatch of equal fingerprints", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(5, "b", refusedWith("FINGERPRINT_MISMATCH"))
	}},
	{"RECORD_EXISTS of an absent record", func(s *script) {
		s.claim(5, "b", reuse("reject"), refusedWith("RECORD_EXISTS"))
	}},
	{"reject that replays", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", reuse("reject"), replays("r", 1, 100))
	}},
	{"a result of which one byte is another", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", replays("s", 1, 100))
	}},
	{"a result that nobody has sent yet", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.claim(50, "b", replays("r", 1, 100))
		s.complete(100, 10, "r")
	}},
	{"a result replayed with another attempt", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", replays("r", 2, 100))
	}},
	{"an acknowledged result that is lost", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", inProgress("a", 1, 0, 1000))
	}},
	{"an acknowledged result that another attempt follows", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.acquire(1200, "b", "takeover", 20, 2)
	}},
	{"an acknowledged result that is gone", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.add(200, &Operation{Op: "get_record"}, []edit{refusedWith("RECORD_NOT_FOUND")})
	}},
	{"a result that expires early", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(200, "b", answered(Output{Kind: "expired", State: "completed", EndedUs: 100_000, ForgottenUs: 120_100_000}))
		s.acquire(300, "x", "new", 30, 1, func(op *Operation) { op.Key = "" })
	}},
	{"a result that is replayed after its retention", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.claim(70_000, "b", replays("r", 1, 100))
	}},
	{"a tombstone that does not refuse", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.complete(100, 10, "r")
		s.acquire(70_000, "b", "new", 20, 1)
	}},
	{"an open record that is gone before one retention", func(s *script) {
		s.acquire(0, "a", "new", 10, 1)
		s.acquire(50_000, "b", "new", 20, 1)
	}},
	{"a held record that is gone by itself", func(s *script) {
		s.acquire(0, "a", "new", 10, 1, holdPolicy)
		s.acquire(70_000, "b", "new", 20, 1, holdPolicy)
	}},
}

func TestIllegalClaimsAreFound(t *testing.T) { holdsAll(t, illegal, illegalClaims) }
