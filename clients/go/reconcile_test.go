package holdfast_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/holdfast-dev/holdfast/clients/go"
)

// judged is what the next caller is told of a record whose outcome was unknown, after the verdict.
func judged(ctx context.Context, t *testing.T, client *holdfast.Client, verdict holdfast.Verdict[int]) (holdfast.Done[int], error) {
	t.Helper()
	work := named(t)
	_, err := holdfast.Once(ctx, client, work, failing(holdfast.OutcomeUnknown(errors.New("no answer"))))
	if err == nil || err.Error() != "no answer" {
		t.Error(err)
	}
	found, err := holdfast.Reconcile(ctx, client, holdfast.Investigation{Scope: work.Scope, Key: work.Key},
		func(context.Context, *holdfast.Suspect) (holdfast.Verdict[int], error) { return verdict, nil })
	if err != nil || found.Kind != "settled" {
		t.Errorf("%+v, %v", found, err)
	}
	return holdfast.Once(ctx, client, work, returning(2))
}

func TestVerdictsSayWhatTheNextCallerIsTold(t *testing.T) {
	ctx, client := serverClient(t)
	done, err := judged(ctx, t, client, holdfast.WasDone(1))
	if err != nil || !done.Replayed || done.Value != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	done, err = judged(ctx, t, client, holdfast.WasNotStarted[int](0))
	if err != nil || done.Attempt != 1 || done.Value != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	done, err = judged(ctx, t, client, holdfast.MayRetry[int](50*time.Millisecond))
	if err != nil || done.Attempt != 2 || done.Value != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	_, err = judged(ctx, t, client, holdfast.StillUnknown[int]())
	wants[*holdfast.OutcomeUnknownError](t, err)
	refunded := holdfast.Terminal(errors.New("refunded")).WithCode(codes.NotFound)
	_, err = judged(ctx, t, client, holdfast.WasFailed[int](refunded))
	if failed := wants[*holdfast.FailedError](t, err); failed.Status.Code() != codes.NotFound || failed.Status.Message() != "refunded" {
		t.Errorf("%v", failed.Status)
	}
}

func TestWaitForEndsWithTheFirstOfSeveralWhereThatIsEnough(t *testing.T) {
	ctx, client := serverClient(t)
	work, never := named(t), named(t)
	_, err := holdfast.Once(ctx, client, work, returning(1))
	check(t, err)
	var end *holdfast.End
	options := []holdfast.WaitOption{holdfast.UntilAny(), holdfast.WithoutResults()}
	for event, err := range client.WaitFor(ctx, holdfast.Targets{targetOf(never), targetOf(work)}, options...) {
		check(t, err)
		if event.Kind == holdfast.EventEnded {
			end = event.End
		}
	}
	if end == nil || end.Kind != "completed" || end.Attempt != 1 {
		t.Fatalf("%+v", end)
	}
	wants[*holdfast.ResultUnavailableError](t, end.Decode(new(int)))
}

func TestATargetOfAnotherInputIsRefused(t *testing.T) {
	ctx, client := serverClient(t)
	work := named(t)
	_, err := holdfast.Once(ctx, client, work, returning(1))
	check(t, err)
	target := targetOf(work)
	target.Input = charge{"another", 3}
	_, err = holdfast.Result[int](ctx, client, target)
	wants[*holdfast.FingerprintMismatchError](t, err)
	own, err := holdfast.FingerprintOf(work.Input)
	check(t, err)
	target.Fingerprint = &own
	_, err = holdfast.Result[int](ctx, client, target)
	wants[*holdfast.FieldInvalidError](t, err)
	target.Input = nil
	value, err := holdfast.Result[int](ctx, client, target)
	if err != nil || value != 1 {
		t.Errorf("%d, %v", value, err)
	}
}
