package holdfast

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Attempt is one run of the work, under a lease. Its context is cancelled when the lease is over or superseded, with a
// [*LeaseLostError] as its cause, when the client is closed, and when the caller's own is: stop.
type Attempt struct {
	lease    *heldLease
	acquired *pb.Acquired
	mu       sync.Mutex
	sequence uint64
}

func newAttempt(lease *heldLease, acquired *pb.Acquired) *Attempt {
	return &Attempt{lease: lease, acquired: acquired, sequence: acquired.GetLastCheckpoint().GetSequence()}
}

// Fence is strictly increasing per record. Hand it to whatever the work changes: what checks it refuses an older attempt.
func (a *Attempt) Fence() int64 { return a.lease.fence }

// Number is from 1.
func (a *Attempt) Number() int { return int(a.acquired.GetLease().GetAttempt()) }

// Reason is why this process may do the work: "new", "reattached", "takeover" or "retry".
func (a *Attempt) Reason() string { return wordOf(acquireWords, a.acquired.GetReason()) }

// LastCheckpoint is what an earlier attempt left behind, or nil.
func (a *Attempt) LastCheckpoint() *Checkpoint { return checkpointOf(a.acquired.GetLastCheckpoint()) }

// PreviousError is what an earlier attempt reported, or nil.
func (a *Attempt) PreviousError() *status.Status {
	if a.acquired.GetPreviousError() == nil {
		return nil
	}
	return status.FromProto(a.acquired.GetPreviousError())
}

// LeaseRemaining is by this process's monotonic clock.
func (a *Attempt) LeaseRemaining() time.Duration { return a.lease.remaining() }

// Checkpoint is for the attempt after this one: JSON or []byte, up to 64 KiB. It is durable when this returns nil, and
// extends the lease too. The name of the step may be empty.
func (a *Attempt) Checkpoint(ctx context.Context, name string, data any) error {
	if err := checkText("checkpoint.name", name, 0, labelBytesMax); err != nil {
		return err
	}
	encoded, contentType, err := encodeContent(data)
	if err != nil {
		return invalidInput(err)
	}
	if len(encoded) > checkpointBytesMax {
		of := fault(ReasonCheckpointTooLarge, "the checkpoint has %d bytes, and %d is the limit", len(encoded), checkpointBytesMax)
		of.Code = codes.InvalidArgument
		return &CheckpointTooLargeError{of}
	}
	a.mu.Lock()
	a.sequence++
	checkpoint := &pb.Checkpoint{Name: name, Sequence: a.sequence, Data: encoded, ContentType: contentType}
	a.mu.Unlock()
	return a.lease.extend(ctx, &pb.HeartbeatRequest{Checkpoint: checkpoint})
}

// Progress is shown to waiters; it goes with the next heartbeat. The fraction is from 0 to 1, and cut to that.
func (a *Attempt) Progress(fraction float64, message string) {
	// Not min and max, which hand NaN on.
	if !(fraction >= 0) {
		fraction = 0
	}
	if fraction > 1 {
		fraction = 1
	}
	a.lease.note(&pb.Progress{Fraction: fraction, Message: cutToBytes(message, labelBytesMax)})
}

// SetExternalRef notes what identifies the work to the outside world, such as a payment id. It is durable when this
// returns nil.
func (a *Attempt) SetExternalRef(ctx context.Context, ref string) error {
	if err := checkText("external_ref", ref, 0, labelBytesMax); err != nil {
		return err
	}
	return a.lease.extend(ctx, &pb.HeartbeatRequest{ExternalRef: ref})
}

// KeyFor is what to give a provider that keeps idempotency keys of its own: 43 characters, the same in every attempt, and
// others for each provider. See [ProviderKey].
func (a *Attempt) KeyFor(provider string) string { return a.providerKey(provider).String() }

// UUIDFor is KeyFor as a UUID, for providers that take nothing else.
func (a *Attempt) UUIDFor(provider string) string { return a.providerKey(provider).UUID() }

func (a *Attempt) providerKey(provider string) ProviderKey {
	key := a.lease.handle.GetKey()
	return ProviderKeyOf(key.GetTenant(), key.GetScope(), key.GetKey(), provider)
}

// String is for logs.
func (a *Attempt) String() string {
	return fmt.Sprintf("attempt %d (%s, fence %d)", a.Number(), a.Reason(), a.Fence())
}

var acquireWords = map[pb.AcquireReason]string{
	pb.AcquireReason_ACQUIRE_REASON_NEW:        "new",
	pb.AcquireReason_ACQUIRE_REASON_REATTACHED: "reattached",
	pb.AcquireReason_ACQUIRE_REASON_TAKEOVER:   "takeover",
	pb.AcquireReason_ACQUIRE_REASON_RETRY:      "retry",
}
