package holdfast

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Failure is an error with a word about what it means. Work returns one, or an error that wraps one; the caller of [Once]
// gets what is in it. See [Retryable], [Terminal], [OutcomeUnknown] and [NotStarted].
type Failure struct {
	kind  pb.FailKind
	cause error
	code  codes.Code
	delay time.Duration
}

// Retryable work may be tried again, by anyone; the attempt counts.
func Retryable(cause error) *Failure { return newFailure(pb.FailKind_FAIL_KIND_RETRYABLE, cause) }

// Terminal work is never tried again: the error is stored and replayed.
func Terminal(cause error) *Failure { return newFailure(pb.FailKind_FAIL_KIND_TERMINAL, cause) }

// OutcomeUnknown says that nobody knows whether the work was done, as when a provider times out: somebody must reconcile.
func OutcomeUnknown(cause error) *Failure {
	return newFailure(pb.FailKind_FAIL_KIND_OUTCOME_UNKNOWN, cause)
}

// NotStarted says that nothing was done, and nothing will be; the attempt does not count.
func NotStarted(cause error) *Failure { return newFailure(pb.FailKind_FAIL_KIND_NOT_STARTED, cause) }

// After has the record claimable again after a delay only, of at most its result retention. For Retryable and NotStarted.
func (f *Failure) After(delay time.Duration) *Failure {
	with := *f
	with.delay = delay
	return &with
}

// WithCode stores a gRPC code with the error, instead of UNKNOWN.
func (f *Failure) WithCode(code codes.Code) *Failure {
	with := *f
	with.code = code
	return &with
}

// Error of a nil *Failure, which is an error all the same when it is returned as one, says that it is that.
func (f *Failure) Error() string {
	if f == nil {
		return "an error that is a nil *holdfast.Failure"
	}
	return f.cause.Error()
}

// Unwrap is what the failure says something about.
func (f *Failure) Unwrap() error {
	if f == nil {
		return nil
	}
	return f.cause
}

func newFailure(kind pb.FailKind, cause error) *Failure {
	if cause == nil {
		cause = errors.New("an error without a cause")
	}
	return &Failure{kind: kind, cause: cause, code: codes.Unknown}
}

// classify says what an error of the work means. One without a word says nothing about what was done: with Reacquire the
// work may be done again, as after a crash; with Hold nobody knows, as after a crash. A nil *Failure has none.
func classify(err error, onLeaseExpiry LeaseExpiry) *Failure {
	if said, is := errors.AsType[*Failure](err); is && said != nil {
		return said
	}
	if onLeaseExpiry == Hold {
		return OutcomeUnknown(err)
	}
	return Retryable(err)
}

// The rest is for the code and the framing of the Status.
const errorMessageBytesMax = errorBytesMax - 64

func (f *Failure) request(handle *pb.LeaseHandle) *pb.FailRequest {
	request := &pb.FailRequest{Handle: handle, Kind: f.kind}
	request.Error = &spb.Status{Code: int32(f.code), Message: cutToBytes(f.Error(), errorMessageBytesMax)}
	if f.delay > 0 {
		request.Delay = durationpb.New(f.delay)
	}
	return request
}

// sendComplete and sendFail end an attempt. A lost answer is asked for again with the same content, which the server
// tells by its digest, until the retry policy's total time is over. Neither the caller's context nor Close stops them: the
// work is over, and what became of it is all that is left to say. Late ends are accepted, so the lease does not stop them
// either. A *LeaseLostError says that the lease is another's by now.
func (c *Client) sendComplete(ctx context.Context, handle *pb.LeaseHandle, result *pb.Result) error {
	request := &pb.CompleteRequest{Handle: handle, Result: result}
	_, err := retrying(context.WithoutCancel(ctx), c, bounds{giveUpAt: time.Now().Add(c.retry.TotalTimeout)},
		func(ctx context.Context, _ time.Duration) (*pb.CompleteResponse, error) {
			return unary(ctx, c, nil, request, pb.IdempotencyServiceClient.Complete)
		})
	if err != nil {
		return LeaseErrorOf(err)
	}
	return nil
}

func (c *Client) sendFail(ctx context.Context, handle *pb.LeaseHandle, failure *Failure) error {
	return c.sendFailWithin(ctx, c.retry.TotalTimeout, handle, failure)
}

func (c *Client) sendFailWithin(
	ctx context.Context, within time.Duration, handle *pb.LeaseHandle, failure *Failure,
) error {
	request := failure.request(handle)
	_, err := retrying(context.WithoutCancel(ctx), c, bounds{giveUpAt: time.Now().Add(within)},
		func(ctx context.Context, _ time.Duration) (*pb.FailResponse, error) {
			return unary(ctx, c, nil, request, pb.IdempotencyServiceClient.Fail)
		})
	if err != nil {
		return LeaseErrorOf(err)
	}
	return nil
}
