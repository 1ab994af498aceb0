package holdfast

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/status"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Investigation names a record whose outcome is unknown.
type Investigation struct {
	Scope, Key string
	// Lease is 1 s to 1 h, default 30 s. When it runs out, the outcome is unknown again, whatever the policy.
	Lease time.Duration
	Codec Codec
}

// Suspect is the attempt of which nobody knows how it went, and what it left behind.
type Suspect struct {
	Attempt        int
	Owner          Owner
	ExternalRef    string
	Metadata       map[string]string
	LastCheckpoint *Checkpoint
	// PreviousError is what an earlier attempt reported, or nil.
	PreviousError *status.Status
	// Fence is the reconciler's own: higher than that of the attempt it looks into. Push it to the target before
	// [WasNotStarted].
	Fence int64
	lease *heldLease
}

// LeaseRemaining is by this process's monotonic clock.
func (s *Suspect) LeaseRemaining() time.Duration { return s.lease.remaining() }

// Reconciled is what there is to say of a record; its Kind says which fields are set.
type Reconciled[T any] struct {
	// Kind is
	//   - "settled": the Verdict is stored
	//   - "completed": the record has ended with the Value, before, or meanwhile, by the attempt itself
	//   - "failed": the same with Err, a *FailedError
	//   - "expired": the same so long ago that the result is no longer kept
	//   - "in-progress": somebody works on it, or reconciles it; RetryAfter
	//   - "available": there is nothing to find out, it can be claimed
	//   - "absent"
	//   - "superseded": the lease was lost before the verdict was stored: the attempt or an operator has ended it. Ask again
	Kind       string
	Verdict    string
	Value      T
	Err        error
	RetryAfter time.Duration
}

// Reconcile finds out what became of a record whose outcome is unknown. The judge is called if the outcome is unknown still
// and nobody else reconciles it; what there is to say otherwise is what this returns. The judge's context is cancelled when
// its lease is lost, as when the attempt turns out to be alive and has ended the record itself. An error of the judge is
// returned, and leaves the outcome unknown.
func Reconcile[T any](
	ctx context.Context, c *Client, of Investigation, judge func(ctx context.Context, suspect *Suspect) (Verdict[T], error),
) (Reconciled[T], error) {
	end, err := c.begin()
	if err != nil {
		return Reconciled[T]{}, err
	}
	defer end()
	request, err := c.reconcileRequest(of)
	if err != nil {
		return Reconciled[T]{}, err
	}
	limit, cancel := c.whileOpen(ctx)
	defer cancel()
	got, err := c.claimOnce(limit, request, claimTerms{})
	switch {
	case errors.Is(err, ReasonRecordNotFound):
		return Reconciled[T]{Kind: "absent"}, nil
	case errors.Is(err, ReasonInvalidState):
		return Reconciled[T]{Kind: "available"}, nil
	case err != nil:
		return Reconciled[T]{}, causeOf(err)
	case got.answer.GetAcquired() != nil:
		return investigate(limit, c, of, got, judge)
	}
	return observed[T](got.answer, of.Codec)
}

func observed[T any](answer *pb.ClaimResponse, codec Codec) (Reconciled[T], error) {
	switch detail := answer.GetDetail().(type) {
	case *pb.ClaimResponse_Completed:
		known := Reconciled[T]{Kind: "completed"}
		return known, decodeResult(detail.Completed.GetResult(), codec, &known.Value)
	case *pb.ClaimResponse_Failed:
		return Reconciled[T]{Kind: "failed", Err: failedError(detail.Failed)}, nil
	case *pb.ClaimResponse_Expired:
		return Reconciled[T]{Kind: "expired", Err: expiredError(detail.Expired)}, nil
	case *pb.ClaimResponse_InProgress:
		return Reconciled[T]{Kind: "in-progress", RetryAfter: detail.InProgress.GetRetryAfter().AsDuration()}, nil
	default:
		return Reconciled[T]{}, fault(ReasonAnswerIncomplete, "the server answered what no reconciler can be told")
	}
}

func investigate[T any](
	ctx context.Context, c *Client, of Investigation, got claimed, judge func(context.Context, *Suspect) (Verdict[T], error),
) (Reconciled[T], error) {
	lease, err := c.hold(ctx, got, of.Lease)
	if err != nil {
		return Reconciled[T]{}, err
	}
	defer lease.end()
	// A judge who fails has found out nothing: the outcome is as unknown as before, and so with Hold's reading of errors.
	verdict, err := run(ctx, lease, Hold, func() (Verdict[T], error) {
		record, err := readRecord(lease)
		if err != nil {
			return Verdict[T]{}, err
		}
		verdict, err := judge(lease.work, suspectOf(lease, got.answer.GetAcquired(), record))
		if said, is := errors.AsType[*Failure](err); is {
			err = said.cause
		}
		return verdict, err
	})
	if err != nil {
		return Reconciled[T]{}, err
	}
	if verdict.kind == "done" {
		result, _ := encodeResult(verdict.value, of.Codec)
		err = c.sendComplete(ctx, lease.handle, result)
	} else {
		err = c.sendFail(ctx, lease.handle, verdict.failure())
	}
	if isLeaseLost(err) {
		return Reconciled[T]{Kind: "superseded"}, nil
	}
	if err != nil {
		return Reconciled[T]{}, err
	}
	return Reconciled[T]{Kind: "settled", Verdict: verdict.name(), Value: verdict.value}, nil
}

// readRecord gets what the claim's answer does not carry: the suspect's owner and external reference.
func readRecord(lease *heldLease) (*pb.Record, error) {
	request := &pb.GetRecordRequest{Key: lease.handle.GetKey()}
	of := bounds{giveUpAt: time.Now().Add(lease.remaining())}
	got, err := retrying(lease.work, lease.c, of, func(ctx context.Context, _ time.Duration) (*pb.GetRecordResponse, error) {
		return unary(ctx, lease.c, nil, request, pb.IdempotencyServiceClient.GetRecord)
	})
	if err == nil {
		return got.answer.GetRecord(), nil
	}
	if lease.work.Err() != nil {
		return nil, context.Cause(lease.work)
	}
	return nil, ErrorOf(err)
}

func suspectOf(lease *heldLease, acquired *pb.Acquired, record *pb.Record) *Suspect {
	suspect := &Suspect{
		Attempt:        int(acquired.GetLease().GetAttempt()),
		Owner:          ownerOf(record.GetOwner()),
		ExternalRef:    record.GetExternalRef(),
		Metadata:       record.GetMetadata(),
		LastCheckpoint: checkpointOf(acquired.GetLastCheckpoint()),
		Fence:          lease.fence,
		lease:          lease,
	}
	if acquired.GetPreviousError() != nil {
		suspect.PreviousError = status.FromProto(acquired.GetPreviousError())
	}
	return suspect
}
