package holdfast

import (
	"errors"
	"time"
)

// Verdict is what became of the work, as a judge of [Reconcile] says it. The zero Verdict is [StillUnknown].
type Verdict[T any] struct {
	kind  string
	value T
	cause error
	delay time.Duration
}

// WasDone ends the record with the result of the work.
func WasDone[T any](value T) Verdict[T] { return Verdict[T]{kind: "done", value: value} }

// WasFailed ends the record with an error, which is replayed.
func WasFailed[T any](cause error) Verdict[T] { return Verdict[T]{kind: "failed", cause: cause} }

// WasNotStarted speaks of the past and of the future: nothing was done, and the old attempt cannot act any more. The work
// can be claimed again after the delay; the attempt does not count.
func WasNotStarted[T any](delay time.Duration) Verdict[T] {
	return Verdict[T]{kind: "not-started", delay: delay}
}

// MayRetry has the work done again after the delay; the attempt counts.
func MayRetry[T any](delay time.Duration) Verdict[T] { return Verdict[T]{kind: "retry", delay: delay} }

// StillUnknown leaves the outcome unknown.
func StillUnknown[T any]() Verdict[T] { return Verdict[T]{} }

func (v Verdict[T]) name() string {
	if v.kind == "" {
		return "unknown"
	}
	return v.kind
}

// failure is how a verdict other than done is told to the server.
func (v Verdict[T]) failure() *Failure {
	switch v.kind {
	case "failed":
		if said, is := errors.AsType[*Failure](v.cause); is {
			return Terminal(said.cause).WithCode(said.code)
		}
		return Terminal(v.cause)
	case "not-started":
		return NotStarted(textError("a reconciler found that nothing was done")).After(v.delay)
	case "retry":
		return Retryable(textError("a reconciler asks for another attempt")).After(v.delay)
	default:
		return OutcomeUnknown(textError("a reconciler could not find out"))
	}
}
