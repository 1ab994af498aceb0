package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/holdfast-dev/holdfast/clients/go"
)

// playedWork is the work of one call, which the runner does step by step.
type playedWork struct {
	ctx     context.Context
	attempt *holdfast.Attempt
	done    chan struct{}
	end     sync.Once
	value   any
	err     error
}

func newPlayedWork(ctx context.Context, attempt *holdfast.Attempt) *playedWork {
	return &playedWork{ctx: ctx, attempt: attempt, done: make(chan struct{})}
}

func (p *playedWork) step(r request) (object, error) {
	switch r.Do {
	case "return":
		value, err := r.given()
		if err != nil {
			return nil, err
		}
		p.ends(value, nil)
		return object{}, nil
	case "throw":
		p.ends(nil, r.failure())
		return object{}, nil
	case "checkpoint":
		data, err := parse(r.Data)
		if err != nil {
			return nil, err
		}
		return object{}, p.attempt.Checkpoint(p.ctx, r.Name, data)
	case "progress":
		p.attempt.Progress(r.Fraction, r.Message)
		return object{}, nil
	case "external-ref":
		return object{}, p.attempt.SetExternalRef(p.ctx, r.Ref)
	case "derive-key":
		return object{"derived": p.attempt.KeyFor(r.Provider), "uuid": p.attempt.UUIDFor(r.Provider)}, nil
	case "await-lost":
		<-p.ctx.Done()
		cause := context.Cause(p.ctx)
		if lost, is := errors.AsType[*holdfast.LeaseLostError](cause); is {
			return object{"why": lost.Why}, nil
		}
		return object{"why": describe(cause)["error"]}, nil
	default:
		return nil, named{"Unsupported", fmt.Sprintf("no step %q of work", r.Do)}
	}
}

func (p *playedWork) ends(value any, err error) {
	p.end.Do(func() {
		p.value, p.err = value, err
		close(p.done)
	})
}

func (r request) failure() error {
	cause := named{"Work", r.Message}
	switch r.Kind {
	case "retryable":
		return holdfast.Retryable(cause).After(millis(r.DelayMs))
	case "terminal":
		return holdfast.Terminal(cause)
	case "outcome-unknown":
		return holdfast.OutcomeUnknown(cause)
	case "not-started":
		return holdfast.NotStarted(cause).After(millis(r.DelayMs))
	default:
		return cause
	}
}

// playedJudge is the judge of one call, whose verdict the runner says.
type playedJudge struct {
	done    chan struct{}
	end     sync.Once
	verdict holdfast.Verdict[any]
}

func newPlayedJudge() *playedJudge { return &playedJudge{done: make(chan struct{})} }

func (p *playedJudge) step(r request) (object, error) {
	if r.Do != "verdict" {
		return nil, named{"Unsupported", fmt.Sprintf("no step %q of a judge", r.Do)}
	}
	verdict, err := r.verdict()
	if err != nil {
		return nil, err
	}
	p.end.Do(func() {
		p.verdict = verdict
		close(p.done)
	})
	return object{}, nil
}

func (r request) verdict() (holdfast.Verdict[any], error) {
	switch r.Verdict {
	case "done":
		value, err := r.given()
		return holdfast.WasDone(value), err
	case "failed":
		return holdfast.WasFailed[any](named{"Work", r.Message}), nil
	case "not-started":
		return holdfast.WasNotStarted[any](millis(r.DelayMs)), nil
	case "retry":
		return holdfast.MayRetry[any](millis(r.DelayMs)), nil
	case "unknown":
		return holdfast.StillUnknown[any](), nil
	default:
		return holdfast.Verdict[any]{}, named{"Unsupported", fmt.Sprintf("no verdict %q", r.Verdict)}
	}
}
