package holdfast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// Reason names what went wrong. It is an error, so that errors.Is(err, ReasonDraining) asks for it.
type Reason string

func (r Reason) Error() string { return string(r) }

// What no server says.
const (
	ReasonFailed            Reason = "FAILED"
	ReasonOutcomeUnknown    Reason = "OUTCOME_UNKNOWN"
	ReasonExpired           Reason = "EXPIRED"
	ReasonTimeout           Reason = "TIMEOUT"
	ReasonLeaseExpired      Reason = "LEASE_EXPIRED"
	ReasonResultUnavailable Reason = "RESULT_UNAVAILABLE"
	ReasonInvalidInput      Reason = "INVALID_INPUT"
	ReasonClosed            Reason = "CLOSED"
	// ReasonAttemptEnded is that of a heartbeat after the work has returned.
	ReasonAttemptEnded Reason = "ATTEMPT_ENDED"
	// ReasonAnswerIncomplete is that of an answer that this client does not understand, of a newer server say.
	ReasonAnswerIncomplete Reason = "ANSWER_INCOMPLETE"
	// ReasonTokenUnavailable is that of a token source that gave none.
	ReasonTokenUnavailable Reason = "TOKEN_UNAVAILABLE"
)

// Error is whatever goes wrong between the caller and the record; what the caller's own work returns is never one. Each
// reason has a type of its own beside it, such as [*FingerprintMismatchError], which errors.As finds too.
type Error struct {
	// Reason is empty when something between answered; see [TransportError].
	Reason Reason
	// Code is codes.OK when no call has failed.
	Code codes.Code
	// RetryAfter is not nil if and only if the same call can help later.
	RetryAfter *time.Duration
	// Violations are the fields that were refused, and what is allowed in each.
	Violations []Violation

	message string
	cause   error
}

// Violation is a field that was refused, and what is allowed in it.
type Violation = wire.Violation

// base makes the types of the reasons errors: each of them is an Error with another name.
type base = Error

func (e *Error) Error() string { return "holdfast: " + e.message }

// Unwrap is the error that it stems from: that of a call has a gRPC status.
func (e *Error) Unwrap() error { return e.cause }

// Is takes the [Reason] for a name of the error.
func (e *Error) Is(target error) bool {
	reason, is := target.(Reason)
	return is && reason == e.Reason
}

// As finds the Error in an error of any reason.
func (e *Error) As(target any) bool {
	to, is := target.(**Error)
	if is {
		*to = e
	}
	return is
}

func fault(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, message: fmt.Sprintf(format, args...)}
}

// TransportError is the answer of something between, or of nobody: it has no reason of Holdfast.
type TransportError struct{ *base }

// InvalidInputError is an input that has no canonical JSON.
type InvalidInputError struct{ *base }

// ClosedError is that of a client whose Close was called. Also the cause of the contexts of its works.
type ClosedError struct{ *base }

// TimeoutError is that of a Timeout that is over before the claim was acquired or answered, or before what was waited for
// has ended.
type TimeoutError struct {
	*base
	// LastOutcome is what the newest answer to a claim said, "in-progress" or "retry-scheduled"; empty when there was
	// none, and when no claim was made.
	LastOutcome string
}

func timeoutError(after time.Duration, lastOutcome, told string, cause error) *TimeoutError {
	of := fault(ReasonTimeout, "not settled within %v: %s", after, told)
	of.Code, of.cause = codes.DeadlineExceeded, cause
	return &TimeoutError{of, lastOutcome}
}

// LeaseLostError says that the lease is over or taken. As the cause of the work's context: stop, somebody else may be
// working. Returned by [Once]: the work ran, and its result was not stored, for a newer attempt or a verdict came first.
type LeaseLostError struct {
	*base
	// Why is "expired", or in the server's words "superseded", "invalid-state", "record-not-found" or "token-invalid".
	Why string
}

// CompleteFailedError says that the work is done, and whether its result is stored is not known: the server could not be
// reached, or refused for a reason of its own. The record stays in progress until the lease is over, or is completed.
type CompleteFailedError struct {
	*base
	// Value is what the work returned.
	Value any
}

var leaseLost = map[Reason]string{
	ReasonLeaseSuperseded:   "superseded",
	ReasonLeaseTokenInvalid: "token-invalid",
	ReasonInvalidState:      "invalid-state",
	ReasonRecordNotFound:    "record-not-found",
}

// ErrorOf decodes the error of a call that was made with the stubs of gen/: its reason, violations and delay. An [*Error],
// what wraps one, and that of a context are returned as they are.
func ErrorOf(err error) error {
	if _, is := errors.AsType[*Error](err); is {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	said := wire.Describe(err)
	of := &Error{Reason: Reason(said.Reason), Code: said.Code, RetryAfter: said.RetryAfter, Violations: said.Violations}
	of.cause = err
	if of.Reason == "" {
		of.message = fmt.Sprintf("%v: %s", said.Code, said.Message)
		return &TransportError{of}
	}
	of.message = fmt.Sprintf("%s: %s", of.Reason, said.Message)
	return typed(of)
}

// LeaseErrorOf is [ErrorOf] for a call that was made with a lease: what says that it is lost is a [*LeaseLostError].
func LeaseErrorOf(err error) error {
	known := ErrorOf(err)
	of, is := errors.AsType[*Error](known)
	if !is {
		return known
	}
	if why, lost := leaseLost[of.Reason]; lost {
		return &LeaseLostError{of, why}
	}
	return known
}

func isLeaseLost(err error) bool {
	_, is := errors.AsType[*LeaseLostError](err)
	return is
}
