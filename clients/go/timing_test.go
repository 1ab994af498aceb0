package holdfast

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

func TestOneClaimIDGoesOverAllTriesUntilTheTotalTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{claim: func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) { return nil, errUnavailable }}
		c := fake.client(t)
		c.random = func() float64 { return 1 }
		began := time.Now()
		_, err := Once(t.Context(), c, someWork, returns(1))
		if _, is := errors.AsType[*TransportError](err); !is {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Minute || took < 50*time.Second {
			t.Errorf("gave up after %v", took)
		}
		for _, claim := range fake.claims {
			if claim.ClaimId != fake.claims[0].ClaimId || claim.Wait.AsDuration() != 30*time.Second {
				t.Errorf("%v", claim)
			}
		}
	})
}

func TestABugOfTheServerIsWorthOneMoreCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{claim: func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) { return nil, errInternal }}
		c := fake.client(t)
		_, err := Once(t.Context(), c, someWork, returns(1))
		if err == nil || len(fake.claims) != 2 {
			t.Errorf("%d claims, %v", len(fake.claims), err)
		}
	})
}

func TestALeaseThatCameAfterAWaitIsConfirmedBeforeTheWorkBegins(t *testing.T) {
	for name, of := range map[string]struct {
		second func() (*pb.ClaimResponse, error)
		ids    int
	}{
		"reattached": {func() (*pb.ClaimResponse, error) {
			return acquired(pb.AcquireReason_ACQUIRE_REASON_REATTACHED, 0), nil
		}, 1},
		"given back": {func() (*pb.ClaimResponse, error) {
			return nil, wireEntry{Code: 9, Reason: ReasonClaimEnded}.err(t)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &fakeServer{}
				fake.claim = func(_ context.Context, request *pb.ClaimRequest) (*pb.ClaimResponse, error) {
					switch len(fake.claims) {
					case 1:
						time.Sleep(20 * time.Second)
						return acquired(pb.AcquireReason_ACQUIRE_REASON_TAKEOVER, 20*time.Second), nil
					case 2:
						if request.Wait != nil {
							t.Errorf("the confirming claim waits: %v", request)
						}
						return of.second()
					default:
						return acquired(pb.AcquireReason_ACQUIRE_REASON_TAKEOVER, 0), nil
					}
				}
				done, err := Once(t.Context(), fake.client(t), someWork, func(_ context.Context, a *Attempt) (int, error) {
					if left := a.LeaseRemaining(); left != fakeLease {
						t.Errorf("%v of the lease is left", left)
					}
					return 1, nil
				})
				if err != nil || done.Reason != "takeover" {
					t.Errorf("%+v, %v", done, err)
				}
				ids := map[string]bool{}
				for _, claim := range fake.claims {
					ids[claim.ClaimId] = true
				}
				if len(ids) != of.ids {
					t.Errorf("%d claim_ids", len(ids))
				}
			})
		})
	}
}

func TestWhoGivesUpWaitingGivesBackWhatWasPromotedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{}
		fake.claim = func(ctx context.Context, _ *pb.ClaimRequest) (*pb.ClaimResponse, error) {
			if len(fake.claims) == 1 {
				return nil, hanging(ctx)
			}
			return acquired(pb.AcquireReason_ACQUIRE_REASON_REATTACHED, 0), nil
		}
		c := fake.client(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Once(ctx, c, someWork, returns(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if len(fake.claims) != 2 || fake.claims[0].ClaimId != fake.claims[1].ClaimId || fake.claims[1].Wait != nil {
			t.Errorf("%v", fake.claims)
		}
		if len(fake.ends) != 1 || fake.ends[0].(*pb.FailRequest).Kind != pb.FailKind_FAIL_KIND_NOT_STARTED {
			t.Errorf("%v", fake.ends)
		}
	})
}

func TestHeartbeatsComeEachIntervalAndAreRepeatedWithinTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{claim: func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) {
			return acquired(pb.AcquireReason_ACQUIRE_REASON_NEW, 0), nil
		}}
		// Every other one is lost without a word.
		fake.heartbeat = func(ctx context.Context, request *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
			if len(fake.beats)%2 == 1 {
				return nil, hanging(ctx)
			}
			return extended(), nil
		}
		_, err := Once(t.Context(), fake.client(t), someWork, func(ctx context.Context, a *Attempt) (int, error) {
			a.Progress(0.5, "half")
			time.Sleep(10 * fakeLease)
			return 1, ctx.Err()
		})
		if err != nil {
			t.Error(err)
		}
		// Ten seconds until it is sent, and ten until it is sent again.
		if n := len(fake.beats); n < 28 || n > 32 {
			t.Errorf("%d heartbeats", n)
		}
		if fake.beats[0].Progress.GetFraction() != 0.5 || fake.beats[2].Progress != nil {
			t.Errorf("%v", fake.beats[:3])
		}
	})
}

func TestTheWorkIsToldThatItsLeaseIsOver(t *testing.T) {
	for name, fail := range map[string]func(context.Context) error{
		"expired":    hanging,
		"superseded": func(context.Context) error { return wireEntry{Code: 10, Reason: ReasonLeaseSuperseded}.err(t) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &fakeServer{claim: func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) {
					return acquired(pb.AcquireReason_ACQUIRE_REASON_NEW, 0), nil
				}}
				fake.heartbeat = func(ctx context.Context, _ *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error) {
					return nil, fail(ctx)
				}
				began := time.Now()
				_, err := Once(t.Context(), fake.client(t), someWork, func(ctx context.Context, a *Attempt) (int, error) {
					<-ctx.Done()
					lost, is := errors.AsType[*LeaseLostError](context.Cause(ctx))
					if !is || lost.Why != name || a.Checkpoint(ctx, "", 1) != error(lost) {
						t.Errorf("%v", context.Cause(ctx))
					}
					return 1, nil
				})
				wanted := fakeLease / 3
				if name == "expired" {
					wanted = fakeLease
				}
				// What was done is stored all the same, if nobody else has it.
				if err != nil || time.Since(began) != wanted || len(fake.ends) != 1 {
					t.Errorf("%v, after %v", err, time.Since(began))
				}
			})
		})
	}
}

func TestTheEndOfTheWorkIsToldUntilItIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{claim: func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) {
			return acquired(pb.AcquireReason_ACQUIRE_REASON_NEW, 0), nil
		}}
		fake.refusals = []error{errUnavailable, errUnavailable, wireEntry{Code: 3, Reason: ReasonResultTooLarge}.err(t)}
		_, err := Once(t.Context(), fake.client(t), someWork, returns(1))
		if _, is := errors.AsType[*ResultUnavailableError](err); !is || len(fake.ends) != 4 {
			t.Errorf("%v, %v", err, fake.ends)
		}
		if fake.ends[3].(*pb.CompleteRequest).Result.GetOmittedReason() == "" {
			t.Errorf("%v", fake.ends[3])
		}
		fake.refusals = []error{wireEntry{Code: 7, Reason: ReasonRoleRequired}.err(t)}
		_, err = Once(t.Context(), fake.client(t), someWork, returns(1))
		failed, is := errors.AsType[*CompleteFailedError](err)
		if !is || failed.Value != 1 || !errors.Is(err, ReasonRoleRequired) {
			t.Errorf("%v", err)
		}
	})
}

func returns(value int) func(context.Context, *Attempt) (int, error) {
	return func(context.Context, *Attempt) (int, error) { return value, nil }
}
