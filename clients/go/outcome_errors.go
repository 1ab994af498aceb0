package holdfast

import (
	"fmt"
	"time"

	"google.golang.org/grpc/status"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// FailedError says that the work has failed for good in an earlier attempt, or that its attempts are used up: an error
// that is replayed.
type FailedError struct {
	*base
	// Status is as the failed attempt reported it; nil when attempts ran out and none reported an error.
	Status *status.Status
	// Why is "reported", "max-attempts" or "resolved".
	Why     string
	Attempt int
	EndTime time.Time
}

func failedError(failed *pb.Failed) *FailedError {
	why := wordOf(failWords, failed.GetReason())
	text := fmt.Sprintf("the work has failed for good (%s, attempt %d)", why, failed.GetAttempt())
	if message := failed.GetError().GetMessage(); message != "" {
		text += ": " + message
	}
	return &FailedError{
		base:    fault(ReasonFailed, "%s", text),
		Status:  status.FromProto(failed.GetError()),
		Why:     why,
		Attempt: int(failed.GetAttempt()),
		EndTime: timeOf(failed.GetEndTime()),
	}
}

// Evidence is what is known of an attempt of which nobody knows how it went.
type Evidence struct {
	// Why is "lease-expired", "reported" or "store-restored".
	Why            string
	Since          time.Time
	LastOwner      Owner
	Attempt        int
	LastCheckpoint *Checkpoint
	ExternalRef    string
}

func evidenceOf(unknown *pb.OutcomeUnknown) Evidence {
	return Evidence{
		Why:            wordOf(unknownWords, unknown.GetReason()),
		Since:          timeOf(unknown.GetSince()),
		LastOwner:      ownerOf(unknown.GetLastOwner()),
		Attempt:        int(unknown.GetAttempt()),
		LastCheckpoint: checkpointOf(unknown.GetLastCheckpoint()),
		ExternalRef:    unknown.GetExternalRef(),
	}
}

// OutcomeUnknownError says that nobody knows whether the work was done. Hand the key to [Reconcile], or ask an operator.
type OutcomeUnknownError struct {
	*base
	Evidence
}

func outcomeUnknownError(unknown *pb.OutcomeUnknown) *OutcomeUnknownError {
	evidence := evidenceOf(unknown)
	const text = "nobody knows whether the work was done (%s, attempt %d)"
	return &OutcomeUnknownError{fault(ReasonOutcomeUnknown, text, evidence.Why, evidence.Attempt), evidence}
}

// ExpiredError says that the work was done, or failed for good, so long ago that the result is no longer kept. It is not
// done again.
type ExpiredError struct {
	*base
	// EndState is "completed" or "failed".
	EndState            string
	EndTime             time.Time
	TombstoneExpireTime time.Time
}

func expiredError(expired *pb.Expired) *ExpiredError {
	state := "completed"
	if expired.GetTerminalState() == pb.RecordState_RECORD_STATE_FAILED {
		state = "failed"
	}
	return &ExpiredError{
		base:                fault(ReasonExpired, "the work has %s, and its result is no longer kept", state),
		EndState:            state,
		EndTime:             timeOf(expired.GetEndTime()),
		TombstoneExpireTime: timeOf(expired.GetTombstoneExpireTime()),
	}
}

// ResultUnavailableError says that the work is done, but that there is no value to return.
type ResultUnavailableError struct {
	*base
	// Why is "omitted" for what was never stored, too large or not to be encoded; "reference" for what is kept elsewhere;
	// "unreadable" for what cannot be decoded.
	Why string
	// Result is what is stored.
	Result   *pb.Result
	Replayed bool
	// Value is what the work returned, when it was not replayed.
	Value any
}

var failWords = map[pb.FailReason]string{
	pb.FailReason_FAIL_REASON_REPORTED:     "reported",
	pb.FailReason_FAIL_REASON_MAX_ATTEMPTS: "max-attempts",
	pb.FailReason_FAIL_REASON_RESOLVED:     "resolved",
}

var unknownWords = map[pb.UnknownReason]string{
	pb.UnknownReason_UNKNOWN_REASON_LEASE_EXPIRED:  "lease-expired",
	pb.UnknownReason_UNKNOWN_REASON_REPORTED:       "reported",
	pb.UnknownReason_UNKNOWN_REASON_STORE_RESTORED: "store-restored",
}

// wordOf is "unspecified" for what this client does not know.
func wordOf[K comparable](words map[K]string, value K) string {
	if word, is := words[value]; is {
		return word
	}
	return "unspecified"
}
