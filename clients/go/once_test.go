package holdfast_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/clients/go"
)

func TestOnceRunsTheWorkAndReplaysItsResult(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	first, err := holdfast.Once(ctx, client, work, returning(charge{"ch_1", 3}))
	check(t, err)
	if first.Replayed || first.Attempt != 1 || first.Reason != "new" || first.Value != (charge{"ch_1", 3}) {
		t.Errorf("%+v", first)
	}
	again, err := holdfast.Once(ctx, client, work, failing(errors.New("ran again")))
	check(t, err)
	if !again.Replayed || again.Attempt != 1 || again.Reason != "" || again.Value != first.Value {
		t.Errorf("%+v", again)
	}
}

func TestOnceGivesBackBytesAndNothing(t *testing.T) {
	ctx, client := serverClient(t)
	data := named(t)
	for range 2 {
		done, err := holdfast.Once(ctx, client, data, returning([]byte{0, 255, 1}))
		check(t, err)
		if !bytes.Equal(done.Value, []byte{0, 255, 1}) {
			t.Errorf("%v", done.Value)
		}
	}
	nothing := named(t)
	_, err := holdfast.Once(ctx, client, nothing, returning(holdfast.Nothing{}))
	check(t, err)
	value, err := holdfast.Result[any](ctx, client, targetOf(nothing))
	if err != nil || value != nil {
		t.Errorf("%v, %v", value, err)
	}
}

func TestOnceRunsTheWorkOnceForManyAtATime(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	other := dial(t, serverAddress(t))
	var runs atomic.Int32
	var callers sync.WaitGroup
	for i := range 16 {
		from := client
		if i%2 == 0 {
			from = other
		}
		callers.Go(func() {
			done, err := holdfast.Once(ctx, from, work, func(context.Context, *holdfast.Attempt) (int32, error) {
				return runs.Add(1), nil
			})
			if err != nil || done.Value != 1 {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
	callers.Wait()
	if runs.Load() != 1 {
		t.Errorf("%d runs", runs.Load())
	}
}

func TestOnceRefusesTheSameKeyForAnotherInput(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	_, err := holdfast.Once(ctx, client, work, returning(1))
	check(t, err)
	work.Input = charge{"order", 4}
	_, err = holdfast.Once(ctx, client, work, returning(2))
	mismatch := wants[*holdfast.FingerprintMismatchError](t, err)
	if !errors.Is(err, holdfast.ReasonFingerprintMismatch) || mismatch.Reason != "FINGERPRINT_MISMATCH" {
		t.Errorf("%v", err)
	}
	wants[*holdfast.Error](t, err)
}

func TestOnceSaysWhatTheErrorOfTheWorkMeans(t *testing.T) {
	ctx, client := serverClient(t)
	declined := errors.New("card declined")
	for name, of := range map[string]struct {
		say   func(error) *holdfast.Failure
		hold  bool
		check func(t *testing.T, next error, attempt int)
	}{
		"retryable": {holdfast.Retryable, false, func(t *testing.T, err error, attempt int) {
			if err != nil || attempt != 2 {
				t.Errorf("%d, %v", attempt, err)
			}
		}},
		"not started": {holdfast.NotStarted, false, func(t *testing.T, err error, attempt int) {
			if err != nil || attempt != 1 {
				t.Errorf("%d, %v", attempt, err)
			}
		}},
		"terminal": {holdfast.Terminal, false, func(t *testing.T, err error, _ int) {
			failed := wants[*holdfast.FailedError](t, err)
			if failed.Why != "reported" || failed.Attempt != 1 || failed.Status.Message() != "card declined" {
				t.Errorf("%+v", failed)
			}
		}},
		"outcome unknown": {holdfast.OutcomeUnknown, false, func(t *testing.T, err error, _ int) {
			if wants[*holdfast.OutcomeUnknownError](t, err).Why != "reported" {
				t.Error(err)
			}
		}},
		"without a word, under hold": {nil, true, func(t *testing.T, err error, _ int) {
			wants[*holdfast.OutcomeUnknownError](t, err)
		}},
		"without a word": {nil, false, func(t *testing.T, err error, attempt int) {
			if err != nil || attempt != 2 {
				t.Errorf("%d, %v", attempt, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			work := named(t)
			if of.hold {
				work.OnLeaseExpiry = holdfast.Hold
			}
			thrown := declined
			if of.say != nil {
				thrown = of.say(declined)
			}
			if _, err := holdfast.Once(ctx, client, work, failing(thrown)); err != declined {
				t.Errorf("the caller gets %v", err)
			}
			next, err := holdfast.Once(ctx, client, work, returning(charge{}))
			of.check(t, err, next.Attempt)
		})
	}
}

func TestOnceCountsAPanicAsAnErrorWithoutAWord(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	func() {
		defer func() {
			if told := recover(); told != "oh" {
				t.Errorf("%v", told)
			}
		}()
		holdfast.Once(ctx, client, work, func(context.Context, *holdfast.Attempt) (int, error) { panic("oh") })
	}()
	next, err := holdfast.Once(ctx, client, work, returning(1))
	if err != nil || next.Attempt != 2 || next.Reason != "retry" {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestOnceEndsTheRecordAlsoWhenTheResultCannotBeStored(t *testing.T) {
	ctx, client := serverClient(t)
	for name, value := range map[string]any{"large": strings.Repeat("x", 1<<20), "not JSON": math.NaN()} {
		t.Run(name, func(t *testing.T) {
			work := named(t)
			_, err := holdfast.Once(ctx, client, work, returning(value))
			own := wants[*holdfast.ResultUnavailableError](t, err)
			if own.Replayed || own.Value == nil || own.Why != "omitted" {
				t.Errorf("%+v", own)
			}
			_, err = holdfast.Once(ctx, client, work, returning(value))
			replayed := wants[*holdfast.ResultUnavailableError](t, err)
			if !replayed.Replayed || replayed.Value != nil {
				t.Errorf("%+v", replayed)
			}
		})
	}
}

func TestOnceRefusesWhatNoServerWouldTake(t *testing.T) {
	ctx, client := serverClient(t)
	for field, work := range map[string]holdfast.Work{
		"key.scope":    {Key: "k"},
		"key.key":      {Scope: "s", Key: strings.Repeat("k", 513)},
		"max_attempts": {Scope: "s", Key: "k", MaxAttempts: 1001},
		"metadata":     {Scope: "s", Key: "k", Metadata: map[string]string{"a": strings.Repeat("x", 5000)}},
		"external_ref": {Scope: "s", Key: "k", ExternalRef: "\xff"},
		"timeout":      {Scope: "s", Key: "k", Timeout: -time.Second},
	} {
		_, err := holdfast.Once(ctx, client, work, returning(1))
		if of := wants[*holdfast.FieldInvalidError](t, err); of.Violations[0].Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, err := holdfast.Once(ctx, client, holdfast.Work{Scope: "s", Key: "k", Input: math.Inf(1)}, returning(1))
	wants[*holdfast.InvalidInputError](t, err)
	work := named(t)
	work.Lease = time.Millisecond
	_, err = holdfast.Once(ctx, client, work, returning(1))
	wants[*holdfast.DurationOutOfRangeError](t, err)
}
