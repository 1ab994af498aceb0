package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/clients/go"
	"github.com/holdfast-dev/holdfast/clients/go/internal/testserver"
)

// beDoomed is the process that is killed over its work.
func beDoomed(address string) {
	client, err := holdfast.Dial(address)
	if err != nil {
		panic(err)
	}
	work := holdfast.Work{Scope: os.Getenv("HOLDFAST_DOOMED_SCOPE"), Key: "k", Lease: time.Second}
	if os.Getenv("HOLDFAST_DOOMED_HOLD") != "" {
		work.OnLeaseExpiry = holdfast.Hold
	}
	holdfast.Once(context.Background(), client, work, func(ctx context.Context, a *holdfast.Attempt) (int, error) {
		if err := a.Checkpoint(ctx, "pages", map[string]int{"page": 3}); err != nil {
			panic(err)
		}
		if err := a.SetExternalRef(ctx, "pi_3"); err != nil {
			panic(err)
		}
		fmt.Println(a.KeyFor("stripe"))
		select {}
	})
}

// dies begins work in a process of its own, kills that, and returns the key for a provider that it derived.
func dies(t *testing.T, work holdfast.Work) string {
	t.Helper()
	doomed := exec.Command(os.Args[0])
	doomed.Env = append(os.Environ(),
		"HOLDFAST_DOOMED_ADDRESS="+serverAddress(t), "HOLDFAST_DOOMED_SCOPE="+work.Scope)
	if work.OnLeaseExpiry == holdfast.Hold {
		doomed.Env = append(doomed.Env, "HOLDFAST_DOOMED_HOLD=1")
	}
	output, err := doomed.StdoutPipe()
	check(t, err)
	check(t, doomed.Start())
	var key string
	_, err = fmt.Fscanln(output, &key)
	check(t, errors.Join(err, doomed.Process.Kill()))
	doomed.Wait()
	return key
}

func TestOnceTakesOverFromAProcessThatWasKilled(t *testing.T) {
	ctx, client := serverClient(t)
	work := holdfast.Work{Scope: named(t).Key, Key: "k"}
	stripe := dies(t, work)
	done, err := holdfast.Once(ctx, client, work, func(_ context.Context, a *holdfast.Attempt) (int, error) {
		var left map[string]int
		if err := a.LastCheckpoint().Decode(&left); err != nil || left["page"] != 3 || a.LastCheckpoint().Name != "pages" {
			t.Errorf("%v, %v", left, err)
		}
		if a.KeyFor("stripe") != stripe || a.KeyFor("adyen") == stripe {
			t.Error("the key for a provider is another one")
		}
		return 7, nil
	})
	if err != nil || done.Attempt != 2 || done.Reason != "takeover" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestReconcileFindsOutWhatAKilledProcessLeft(t *testing.T) {
	ctx, client := serverClient(t)
	work := holdfast.Work{Scope: named(t).Key, Key: "k", OnLeaseExpiry: holdfast.Hold}
	dies(t, work)
	_, err := holdfast.Once(ctx, client, work, returning(1))
	unknown := wants[*holdfast.OutcomeUnknownError](t, err)
	if unknown.Why != "lease-expired" || unknown.ExternalRef != "pi_3" || unknown.Attempt != 1 {
		t.Errorf("%+v", unknown.Evidence)
	}
	of := holdfast.Investigation{Scope: work.Scope, Key: work.Key}
	judged := errors.New("the provider is down")
	_, err = holdfast.Reconcile(ctx, client, of, func(context.Context, *holdfast.Suspect) (holdfast.Verdict[int], error) {
		return holdfast.Verdict[int]{}, judged
	})
	if err != judged {
		t.Errorf("%v", err)
	}
	settled, err := holdfast.Reconcile(ctx, client, of, func(_ context.Context, s *holdfast.Suspect) (holdfast.Verdict[int], error) {
		if s.ExternalRef != "pi_3" || s.LastCheckpoint.Name != "pages" || s.Owner.Instance == "" || s.LeaseRemaining() <= 0 {
			t.Errorf("%+v", s)
		}
		return holdfast.WasDone(7), nil
	})
	if err != nil || settled.Kind != "settled" || settled.Verdict != "done" {
		t.Errorf("%+v, %v", settled, err)
	}
	done, err := holdfast.Once(ctx, client, work, returning(1))
	if err != nil || !done.Replayed || done.Value != 7 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestReconcileSaysWhatThereIsToSayOfOtherRecords(t *testing.T) {
	ctx, client := serverClient(t)
	asked := func(work holdfast.Work) holdfast.Reconciled[charge] {
		t.Helper()
		of := holdfast.Investigation{Scope: work.Scope, Key: work.Key}
		found, err := holdfast.Reconcile(ctx, client, of,
			func(context.Context, *holdfast.Suspect) (holdfast.Verdict[charge], error) {
				t.Error("a judge was asked")
				return holdfast.StillUnknown[charge](), nil
			})
		check(t, err)
		return found
	}
	work := named(t)
	if found := asked(work); found.Kind != "absent" {
		t.Errorf("%+v", found)
	}
	end, _, _ := holding[charge](ctx, t, client, work)
	if found := asked(work); found.Kind != "in-progress" || found.RetryAfter <= 0 {
		t.Errorf("%+v", found)
	}
	end(charge{}, holdfast.Retryable(errors.New("busy")))
	if found := asked(work); found.Kind != "available" {
		t.Errorf("%+v", found)
	}
	_, err := holdfast.Once(ctx, client, work, returning(charge{"ch_1", 3}))
	check(t, err)
	if found := asked(work); found.Kind != "completed" || found.Value.ID != "ch_1" {
		t.Errorf("%+v", found)
	}
}

func TestHeartbeatsHoldARecordForLongerThanItsLease(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	work.Lease = 3 * time.Second
	end, a, lost := holding[int](ctx, t, client, work)
	first := time.Now().Add(a.LeaseRemaining())
	for time.Until(first) > -time.Second {
		select {
		case <-lost.Done():
			t.Fatal(context.Cause(lost))
		case <-time.After(100 * time.Millisecond):
		}
	}
	if a.LeaseRemaining() <= 0 {
		t.Error("the lease was not extended")
	}
	done, err := end(1, nil)
	if err != nil || done.Attempt != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if err := a.Checkpoint(ctx, "", 1); !errors.Is(err, holdfast.ReasonAttemptEnded) {
		t.Errorf("a heartbeat after the end: %v", err)
	}
}

func TestWorkIsToldThatItsLeaseIsLostAndItsResultIsNotStored(t *testing.T) {
	ctx, other := serverClient(t)
	proxy, err := testserver.NewProxy(serverAddress(t))
	check(t, err)
	t.Cleanup(proxy.Close)
	slow := dial(t, proxy.Address, holdfast.WithRetry(holdfast.RetryPolicy{TryTimeout: time.Second}))
	work := named(t)
	work.Lease = time.Second
	end, _, lost := holding[int](ctx, t, slow, work)
	proxy.HoldAnswers()
	endOther, second, _ := holding[int](ctx, t, other, holdfast.Work{Scope: work.Scope, Key: work.Key, Input: work.Input})
	if second.Number() != 2 {
		t.Errorf("%v", second)
	}
	<-lost.Done()
	if why := wants[*holdfast.LeaseLostError](t, context.Cause(lost)).Why; why != "expired" && why != "superseded" {
		t.Error(why)
	}
	proxy.Cut()
	_, err = end(1, nil)
	if wants[*holdfast.LeaseLostError](t, err).Why != "superseded" {
		t.Error(err)
	}
	done, err := endOther(2, nil)
	if err != nil || done.Value != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}
