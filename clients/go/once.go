package holdfast

import (
	"context"
	"errors"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Done is work that is done.
type Done[T any] struct {
	// Value is what the work returned, as it is stored: whoever ran it gets the same as whoever gets the replay. A fresh
	// value each time.
	Value T
	// Replayed: the work was done by somebody else, or before.
	Replayed bool
	// Attempt is the one that did it.
	Attempt int
	// Reason is why this process did the work, as [Attempt.Reason] says it; empty when replayed.
	Reason string
}

// Once does a piece of work once: runs it if nobody has, waits for whoever is at it, or returns what it returned before.
// Who waits has one call open at a server, which answers it when the result is there; when the holder dies, or gives up,
// one of those who wait does the work.
//
// An error of the work is returned as it is, and told to the server: see [Retryable], [Terminal], [OutcomeUnknown] and
// [NotStarted]. An error without such a word counts as retryable, or with [Hold] as an unknown outcome, just as a crash at
// that point would; so does a panic. The work is not run again by itself: whoever calls next does that.
//
// At most one attempt holds the record at a time, and one result is stored, whatever crashes. A side effect outside happens
// once only if its target checks [Attempt.Fence], or with Hold and a reconciler.
//
// The context ends waiting, and asks the work to stop, but the work's end is still told to the server. The work's own
// context is cancelled also when the lease is lost; then what the work returns is not stored if somebody else has taken
// over.
//
// Beside the errors of the work and the context's cause, the errors are [*InvalidInputError], [*FingerprintMismatchError],
// [*FailedError], [*OutcomeUnknownError], [*ExpiredError], [*TimeoutError], [*LeaseLostError], [*ResultConflictError],
// [*CompleteFailedError], [*ResultUnavailableError], [*ClosedError], and those of the other reasons.
func Once[T any](
	ctx context.Context, c *Client, work Work, do func(ctx context.Context, a *Attempt) (T, error),
) (Done[T], error) {
	end, err := c.begin()
	if err != nil {
		return Done[T]{}, err
	}
	defer end()
	request, err := c.executeRequest(work)
	if err != nil {
		return Done[T]{}, err
	}
	got, err := c.claimUntilSettled(ctx, request, work.Timeout)
	if err != nil {
		return Done[T]{}, err
	}
	if got.answer.GetPolicyDiffers() {
		c.warnOf("policy-differs", request.GetKey(), nil)
	}
	switch detail := got.answer.GetDetail().(type) {
	case *pb.ClaimResponse_Acquired:
		return perform(ctx, c, work, got, do)
	case *pb.ClaimResponse_Completed:
		done := Done[T]{Replayed: true, Attempt: int(detail.Completed.GetAttempt())}
		return done, decodeResult(detail.Completed.GetResult(), work.Codec, &done.Value)
	case *pb.ClaimResponse_Failed:
		return Done[T]{}, failedError(detail.Failed)
	case *pb.ClaimResponse_OutcomeUnknown:
		return Done[T]{}, outcomeUnknownError(detail.OutcomeUnknown)
	case *pb.ClaimResponse_Expired:
		return Done[T]{}, expiredError(detail.Expired)
	default:
		return Done[T]{}, fault(ReasonAnswerIncomplete, "the server answered a claim with what this client does not know")
	}
}

func perform[T any](
	ctx context.Context, c *Client, work Work, got claimed, do func(context.Context, *Attempt) (T, error),
) (Done[T], error) {
	acquired := got.answer.GetAcquired()
	lease, err := c.hold(ctx, got, work.Lease)
	if err != nil {
		return Done[T]{}, err
	}
	defer lease.end()
	attempt := newAttempt(lease, acquired)
	value, err := run(ctx, lease, work.OnLeaseExpiry, func() (T, error) { return do(lease.work, attempt) })
	if err != nil {
		return Done[T]{}, err
	}
	encoded, encodeErr := encodeResult(value, work.Codec)
	stored, err := c.store(ctx, lease, value, encoded)
	if err != nil {
		return Done[T]{}, err
	}
	done := Done[T]{Attempt: attempt.Number(), Reason: attempt.Reason()}
	err = decodeResult(stored, work.Codec, &done.Value)
	if own, is := errors.AsType[*ResultUnavailableError](err); is {
		own.Replayed, own.Value = false, value
		if encodeErr != nil {
			own.cause = encodeErr
		}
	}
	return done, err
}

// run returns what the work returns, after having told the server what its error means.
func run[T any](
	ctx context.Context, lease *heldLease, onLeaseExpiry LeaseExpiry, work func() (T, error),
) (value T, err error) {
	hasReturned := false
	defer func() {
		if !hasReturned {
			// On its way to whoever recovers, or to the end of the process: not for longer than one try.
			failure := classify(textError("the work panicked"), onLeaseExpiry)
			lease.tellFailure(lease.c.sendFailWithin(ctx, lease.c.retry.TryTimeout, lease.handle, failure))
		}
	}()
	value, err = work()
	hasReturned = true
	if err == nil {
		return value, nil
	}
	lease.tellFailure(lease.c.sendFail(ctx, lease.handle, classify(err, onLeaseExpiry)))
	var none T
	if said, is := err.(*Failure); is && said != nil {
		return none, said.cause
	}
	return none, err
}

// tellFailure warns of an error of sendFail.
func (l *heldLease) tellFailure(err error) {
	// Another attempt's record by now: what this one returned matters to its caller alone.
	if err != nil && !isLeaseLost(err) {
		l.c.warnOf("fail-not-stored", l.handle.GetKey(), err)
	}
}

// store returns what was stored, which is the reason for its absence when the server's limit is lower than the client's.
func (c *Client) store(ctx context.Context, lease *heldLease, value any, result *pb.Result) (*pb.Result, error) {
	err := c.sendComplete(ctx, lease.handle, result)
	if _, isInline := result.GetBody().(*pb.Result_Inline); isInline && errors.Is(err, ReasonResultTooLarge) {
		return c.store(ctx, lease, value, omittedResult("the result is over the server's limit"))
	}
	if err == nil || isLeaseLost(err) || errors.Is(err, ReasonResultConflict) {
		return result, err
	}
	failed := &CompleteFailedError{fault("", "the work is done, but not known to be stored: %v", err), value}
	if of, is := errors.AsType[*Error](err); is {
		failed.Reason, failed.Code, failed.RetryAfter, failed.Violations = of.Reason, of.Code, of.RetryAfter, of.Violations
	}
	failed.cause = err
	return nil, failed
}
