package main

import (
	"errors"
	"maps"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/clients/go"
	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// named is an error whose class the protocol names, and no client.
type named struct{ class, message string }

func (n named) Error() string { return n.message }

// wireError is an answer as the client would get it from a server.
func (a answer) wireError() error {
	var details []protoadapt.MessageV1
	if a.Reason != "" {
		details = append(details, &errdetails.ErrorInfo{Reason: a.Reason, Domain: wire.Domain})
	}
	if a.RetryAfterMs != nil {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(millis(*a.RetryAfterMs))})
	}
	bad := &errdetails.BadRequest{}
	for _, each := range a.Violations {
		bad.FieldViolations = append(bad.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: each.Field, Description: each.Description})
	}
	if len(a.Violations) > 0 {
		details = append(details, bad)
	}
	answered, err := status.New(codes.Code(a.Code), "as a server would answer").WithDetails(details...)
	if err != nil {
		return err
	}
	return answered.Err()
}

func (a answer) retry() object {
	said := wire.Describe(a.wireError())
	delay, again := said.Delay()
	switch {
	case again:
		return object{"again": "while-time-lasts", "leastDelayMs": inMillis(delay)}
	case said.IsWorthOneMore():
		return object{"again": "once", "leastDelayMs": 0}
	default:
		return object{"again": "never", "leastDelayMs": 0}
	}
}

func (a answer) error() object {
	known := holdfast.ErrorOf(a.wireError())
	if a.Lease {
		known = holdfast.LeaseErrorOf(a.wireError())
	}
	shown := object{"violations": []object{}}
	maps.Copy(shown, describe(known))
	return shown
}

// describe is an error as the protocol tells it.
func describe(err error) object {
	if own, is := errors.AsType[named](err); is {
		return object{"error": own.class, "reason": "", "message": own.message}
	}
	of, is := errors.AsType[*holdfast.Error](err)
	if !is {
		return object{"error": "Bug", "reason": "", "message": err.Error()}
	}
	shown := object{"reason": of.Reason, "message": err.Error(), "retryAfterMs": nil}
	if of.Code != codes.OK {
		shown["code"] = int(of.Code)
	}
	if of.RetryAfter != nil {
		shown["retryAfterMs"] = inMillis(*of.RetryAfter)
	}
	if len(of.Violations) > 0 {
		violations := []object{}
		for _, each := range of.Violations {
			violations = append(violations, object{"field": each.Field, "description": each.Description})
		}
		shown["violations"] = violations
	}
	class, more := classOf(err, string(of.Reason))
	shown["error"] = class
	maps.Copy(shown, more)
	return shown
}

// classOf is the class, and what it says more.
func classOf(err error, reason string) (string, object) {
	var (
		failed      *holdfast.FailedError
		unknown     *holdfast.OutcomeUnknownError
		expired     *holdfast.ExpiredError
		lost        *holdfast.LeaseLostError
		unavailable *holdfast.ResultUnavailableError
		incomplete  *holdfast.CompleteFailedError
	)
	switch {
	case errors.As(err, &failed):
		return "Failed", object{"why": failed.Why, "attempt": failed.Attempt}
	case errors.As(err, &unknown):
		return "OutcomeUnknown", object{"why": unknown.Why, "attempt": unknown.Attempt}
	case errors.As(err, &expired):
		return "Expired", object{"state": expired.EndState}
	case errors.As(err, &lost):
		return "LeaseLost", object{"why": lost.Why}
	case errors.As(err, &unavailable):
		return "ResultUnavailable", object{"why": unavailable.Why}
	case errors.As(err, &incomplete):
		return "CompleteFailed", nil
	case reason == "":
		return "Transport", nil
	}
	_, isServers := pb.ErrorReason_value["ERROR_REASON_"+reason]
	if !isServers && !isOwn(holdfast.Reason(reason)) {
		return "Holdfast", nil
	}
	var class strings.Builder
	for word := range strings.SplitSeq(reason, "_") {
		class.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return class.String(), nil
}

func isOwn(reason holdfast.Reason) bool {
	switch reason {
	case holdfast.ReasonClosed, holdfast.ReasonTimeout, holdfast.ReasonInvalidInput, holdfast.ReasonAttemptEnded,
		holdfast.ReasonAnswerIncomplete:
		return true
	default:
		return false
	}
}

func inMillis(time time.Duration) float64 { return float64(time.Microseconds()) / 1000 }
