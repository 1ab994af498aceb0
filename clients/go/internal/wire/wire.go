// Package wire reads what a failed call says, and decides whether to call again.
package wire

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Domain is that of the reasons of Holdfast.
const Domain = "holdfast.v1"

// Failure is what a failed call says.
type Failure struct {
	Code    codes.Code
	Message string
	// Reason is empty when something between answered.
	Reason string
	// RetryAfter is not nil if and only if the same call can help later.
	RetryAfter *time.Duration
	Violations []Violation
}

// Violation is a field that was refused, and what is allowed in it.
type Violation struct {
	Field, Description string
}

// Describe reads the error of a call, which has a gRPC status or counts as UNKNOWN.
func Describe(err error) Failure {
	answer := status.Convert(err)
	failure := Failure{Code: answer.Code(), Message: answer.Message()}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == Domain && failure.Reason == "" {
				failure.Reason = detail.GetReason()
			}
		case *errdetails.RetryInfo:
			if delay := detail.GetRetryDelay(); delay != nil && failure.RetryAfter == nil {
				after := delay.AsDuration()
				failure.RetryAfter = &after
			}
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{each.GetField(), each.GetDescription()})
			}
		}
	}
	return failure
}

// Delay is after how long at least the same call can help; false when it cannot.
//
// Every method may be repeated, so whether the lost call took effect does not matter. A call that this client gives up
// is not asked about here: one that is cancelled all the same was cancelled by something between.
func (f Failure) Delay() (time.Duration, bool) {
	if f.RetryAfter != nil {
		return *f.RetryAfter, true
	}
	switch f.Code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return 0, true
	case codes.Aborted:
		// Of a connection that was reset, say; the server gives a reason when it aborts.
		return 0, f.Reason == ""
	default:
		return 0, false
	}
}

// IsWorthOneMore tells a bug of the server, or of something between: worth one more call, and no third.
func (f Failure) IsWorthOneMore() bool {
	return f.Code == codes.Internal || f.Code == codes.Unknown
}

// IsWorthRepeating tells whether more calls of the kind can be answered otherwise; if not, this is the last word.
func (f Failure) IsWorthRepeating() bool {
	_, again := f.Delay()
	return again || f.IsWorthOneMore()
}

// MayHaveTakenEffect tells whether the server may have done what was asked without the client hearing of it; it may have
// lost its database's answer to a commit. What is out of resources has refused before it did anything.
func (f Failure) MayHaveTakenEffect() bool {
	return f.IsWorthRepeating() && f.Code != codes.ResourceExhausted
}
