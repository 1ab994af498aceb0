package holdfast

import (
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// LeaseExpiry says what happens when a holder's lease runs out.
type LeaseExpiry int

const (
	// Reacquire has the next claim take over.
	Reacquire LeaseExpiry = iota
	// Hold leaves the outcome unknown until somebody reconciles it.
	Hold
)

// Reuse says what a caller accepts of an ended record.
type Reuse int

const (
	// ReplayAll replays results and errors.
	ReplayAll Reuse = iota
	// RetryFailed replays results, and does the work again of a record that has failed.
	RetryFailed
	// Reject takes any record for an error, [*RecordExistsError].
	Reject
)

// NoTombstone, as a TombstoneRetention, lets a second run happen as soon as the result is no longer kept.
const NoTombstone time.Duration = -1

// Work names a piece of work, and says how it is done. Durations are judged by the server; where they are 0, its defaults
// hold.
type Work struct {
	// Scope is what kind of work: "charge", "send-invoice". 1 to 128 bytes.
	Scope string
	// Key is which piece of it: an event id, a request's Idempotency-Key. 1 to 512 bytes.
	Key string
	// Input is what the work is done from: []byte, or what [CanonicalJSON] takes. The same key with another input is a
	// [*FingerprintMismatchError].
	Input any

	// Lease is how long a crashed holder keeps the record, 1 s to 1 h, default 30 s. It is extended while the work runs.
	Lease time.Duration
	// OnLeaseExpiry is by default Reacquire.
	OnLeaseExpiry LeaseExpiry
	// MaxAttempts is 0 to 1000, default 0: no limit.
	MaxAttempts int
	// MaxExecution is 1 s to 7 d, default none: no heartbeat extends an attempt past it.
	MaxExecution time.Duration
	// ResultRetention is how long the result is replayed, 60 s to 90 d, default 24 h.
	ResultRetention time.Duration
	// TombstoneRetention is how long after that a second run is still refused, up to 10 years, default 24 h; or
	// NoTombstone.
	TombstoneRetention time.Duration
	// Reuse is by default ReplayAll.
	Reuse Reuse
	// Metadata is for people; names and values together up to 4 KiB.
	Metadata map[string]string
	// ExternalRef is what is known of the work in the outside world already. Up to 256 bytes.
	ExternalRef string

	// Timeout is how long to wait for somebody else's work; it never cuts one's own. Default: as long as the context.
	Timeout time.Duration
	// Codec is by default that of JSON, and of bytes as they are.
	Codec Codec
}

func (c *Client) executeRequest(work Work) (*pb.ClaimRequest, error) {
	request, err := c.claimRequest(work.Scope, work.Key, work.Lease)
	if err != nil {
		return nil, err
	}
	if err := checkMetadata(work.Metadata); err != nil {
		return nil, err
	}
	if err := checkText("external_ref", work.ExternalRef, 0, labelBytesMax); err != nil {
		return nil, err
	}
	fingerprint, err := FingerprintOf(work.Input)
	if err != nil {
		return nil, err
	}
	if request.Policy, err = policyOf(work); err != nil {
		return nil, err
	}
	if work.Reuse < ReplayAll || work.Reuse > Reject {
		return nil, fieldInvalid("reuse", "ReplayAll, RetryFailed or Reject")
	}
	if work.Timeout < 0 {
		return nil, fieldInvalid("timeout", "a time above 0, or 0 for none")
	}
	request.Reuse = pb.ReusePolicy(int(work.Reuse) + 1)
	request.Fingerprint = fingerprint.message()
	request.Intent = pb.ClaimIntent_CLAIM_INTENT_EXECUTE
	request.Metadata = work.Metadata
	request.ExternalRef = work.ExternalRef
	return request, nil
}

// reconcileRequest has no fingerprint: a reconciler need not know the input.
func (c *Client) reconcileRequest(of Investigation) (*pb.ClaimRequest, error) {
	request, err := c.claimRequest(of.Scope, of.Key, of.Lease)
	if err != nil {
		return nil, err
	}
	request.Intent = pb.ClaimIntent_CLAIM_INTENT_RECONCILE
	return request, nil
}

func (c *Client) claimRequest(scope, key string, lease time.Duration) (*pb.ClaimRequest, error) {
	name, err := recordKey(c.tenant, scope, key)
	if err != nil {
		return nil, err
	}
	return &pb.ClaimRequest{Key: name, ClaimId: newClaimID(), Owner: c.owner, Lease: durationField(lease)}, nil
}

func recordKey(tenant, scope, key string) (*pb.RecordKey, error) {
	if err := checkText("tenant", tenant, 0, tenantBytesMax); err != nil {
		return nil, err
	}
	if err := checkText("key.scope", scope, 1, scopeBytesMax); err != nil {
		return nil, err
	}
	if err := checkText("key.key", key, 1, keyBytesMax); err != nil {
		return nil, err
	}
	return &pb.RecordKey{Tenant: tenant, Scope: scope, Key: key}, nil
}

func policyOf(work Work) (*pb.ClaimPolicy, error) {
	if work.MaxAttempts < 0 || work.MaxAttempts > attemptsMax {
		return nil, fieldInvalid("max_attempts", fmt.Sprintf("0 to %d", attemptsMax))
	}
	if work.OnLeaseExpiry != Reacquire && work.OnLeaseExpiry != Hold {
		return nil, fieldInvalid("on_lease_expiry", "Reacquire or Hold")
	}
	policy := &pb.ClaimPolicy{
		OnLeaseExpiry:      pb.LeaseExpiryPolicy(int(work.OnLeaseExpiry) + 1),
		MaxAttempts:        uint32(work.MaxAttempts),
		MaxExecution:       durationField(work.MaxExecution),
		ResultRetention:    durationField(work.ResultRetention),
		TombstoneRetention: durationField(work.TombstoneRetention),
	}
	if work.TombstoneRetention == NoTombstone {
		policy.TombstoneRetention = durationpb.New(0)
	}
	return policy, nil
}

func (f Fingerprint) message() *pb.Fingerprint {
	return &pb.Fingerprint{Algorithm: f.Algorithm, Digest: f.Digest}
}

func durationField(time time.Duration) *durationpb.Duration {
	if time == 0 {
		return nil
	}
	return durationpb.New(time)
}

// newClaimID is a random UUID.
func newClaimID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
