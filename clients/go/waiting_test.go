package holdfast_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/clients/go"
)

func TestOnceGivesUpWaitingAfterItsTime(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	end, _, _ := holding[int](ctx, t, client, work)
	hasty := work
	hasty.Timeout = 300 * time.Millisecond
	_, err := holdfast.Once(ctx, client, hasty, returning(2))
	if wants[*holdfast.TimeoutError](t, err).LastOutcome != "in-progress" || !errors.Is(err, holdfast.ReasonTimeout) {
		t.Error(err)
	}
	limited, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err = holdfast.Once(limited, client, work, returning(2)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	done, err := end(1, nil)
	if err != nil || done.Value != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestOnceGivesTheLeaseBackWhenItIsCancelledWhileItWaits(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	work.Lease = time.Hour
	end, _, _ := holding[int](ctx, t, client, work)
	waiter := dial(t, serverAddress(t))
	gone := errors.New("the caller has gone")
	for range 3 {
		limited, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(200*time.Millisecond, func() { cancel(gone) })
		if _, err := holdfast.Once(limited, waiter, work, returning(2)); err != gone {
			t.Error(err)
		}
	}
	end(0, holdfast.NotStarted(errors.New("busy")))
	// Within much less than a lease, which is an hour.
	done, err := holdfast.Once(ctx, client, work, returning(3))
	if err != nil || done.Attempt != 1 || done.Value != 3 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestCancellingAsksTheWorkToStopAndItsEndIsToldAllTheSame(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	work.Lease = time.Hour
	limited, cancel := context.WithCancel(ctx)
	end, _, lost := holding[int](limited, t, client, work)
	cancel()
	<-lost.Done()
	if _, err := end(0, holdfast.NotStarted(context.Cause(lost))); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	done, err := holdfast.Once(ctx, client, work, returning(1))
	if err != nil || done.Attempt != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestCloseEndsWhatWaitsAndLetsTheWorkEnd(t *testing.T) {
	ctx, other := serverClient(t)
	client, err := holdfast.Dial(serverAddress(t))
	check(t, err)
	held, own := named(t), named(t)
	endHeld, _, _ := holding[int](ctx, t, other, held)
	endOwn, _, lost := holding[int](ctx, t, client, own)
	waited, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := holdfast.Once(ctx, client, held, returning(2))
		waited <- err
	}()
	go func() {
		<-lost.Done()
		wants[*holdfast.ClosedError](t, context.Cause(lost))
		_, err := endOwn(1, nil)
		closed <- err
	}()
	check(t, client.Close())
	wants[*holdfast.ClosedError](t, <-waited)
	check(t, <-closed)
	endHeld(1, nil)
	if _, err := holdfast.Once(ctx, client, held, returning(2)); !errors.Is(err, holdfast.ReasonClosed) {
		t.Error(err)
	}
	for _, err := range client.WaitFor(ctx, holdfast.Targets{targetOf(held)}) {
		wants[*holdfast.ClosedError](t, err)
	}
	done, err := holdfast.Once(ctx, other, own, returning(2))
	if err != nil || done.Value != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestWaitForTellsWhatBecomesOfRecords(t *testing.T) {
	ctx, client := serverClient(t)
	work, failed := named(t), named(t)
	_, err := holdfast.Once(ctx, client, failed, failing(holdfast.Terminal(errors.New("declined"))))
	if err == nil || err.Error() != "declined" {
		t.Error(err)
	}
	end, a, _ := holding[charge](ctx, t, client, work)
	var told []string
	for event, err := range client.WaitFor(ctx, holdfast.Targets{targetOf(work), targetOf(failed)}) {
		check(t, err)
		if event.Index == 1 {
			if event.Kind == holdfast.EventEnded {
				wants[*holdfast.FailedError](t, event.End.Err)
			}
			continue
		}
		told = append(told, string(event.Kind))
		switch event.Kind {
		case holdfast.EventSnapshot:
			if event.Record.State != "in-progress" || event.Target.Key != work.Key {
				t.Errorf("%+v", event)
			}
			check(t, a.Checkpoint(ctx, "pages", []byte{1}))
		case holdfast.EventCheckpoint:
			a.Progress(0.5, "half")
		case holdfast.EventProgress:
			if event.Progress.Fraction != 0.5 || event.Progress.Message != "half" {
				t.Errorf("%+v", event.Progress)
			}
			go end(charge{"ch_1", 3}, nil)
		case holdfast.EventEnded:
			var got charge
			check(t, event.End.Decode(&got))
			if got.ID != "ch_1" || event.End.Kind != "completed" || event.End.Attempt != 1 {
				t.Errorf("%+v", event.End)
			}
		}
	}
	if want := []string{"snapshot", "checkpoint", "progress", "ended"}; !slices.Equal(told, want) {
		t.Errorf("%v", told)
	}
}

func TestWaitForIsRefusedWhatItCannotWaitFor(t *testing.T) {
	ctx, client := serverClient(t)
	target := targetOf(named(t))
	_, err := holdfast.Result[int](ctx, client, target, holdfast.MustExist())
	wants[*holdfast.RecordNotFoundError](t, err)
	_, err = holdfast.Result[int](ctx, client, target, holdfast.WaitTimeout(300*time.Millisecond))
	wants[*holdfast.TimeoutError](t, err)
	for _, targets := range []holdfast.Targets{nil, make(holdfast.Targets, 101), {{Scope: "s"}}} {
		for _, err := range client.WaitFor(ctx, targets) {
			wants[*holdfast.FieldInvalidError](t, err)
		}
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	for event, err := range client.WaitFor(limited, holdfast.Targets{target}) {
		if event.Kind == holdfast.EventSnapshot {
			cancel()
		} else if !errors.Is(err, context.Canceled) {
			t.Errorf("%+v, %v", event, err)
		}
	}
	// Leaving the loop is no error, and leaves nothing behind.
	for range client.WaitFor(ctx, holdfast.Targets{target}) {
		break
	}
}

func TestWaitForTellsNothingTwiceWhenTheConnectionIsReset(t *testing.T) {
	ctx, client := serverClient(t)
	proxy, watcher := proxied(t)
	work := named(t)
	end, _, _ := holding[int](ctx, t, client, work)
	var told []string
	for event, err := range watcher.WaitFor(ctx, holdfast.Targets{targetOf(work)}) {
		check(t, err)
		told = append(told, string(event.Kind))
		if event.Kind == holdfast.EventSnapshot {
			proxy.Cut()
			time.AfterFunc(300*time.Millisecond, func() { end(1, nil) })
		}
	}
	if want := []string{"snapshot", "ended"}; !slices.Equal(told, want) {
		t.Errorf("%v", told)
	}
}
