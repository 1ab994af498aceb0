package holdfast

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// WaitOption says how to wait; see [Client.WaitFor] and [Result].
type WaitOption func(*waiting)

type waiting struct {
	timeout        time.Duration
	any            bool
	mustExist      bool
	withoutResults bool
	codec          Codec
}

// WaitTimeout gives up after a time. Default: as long as the context.
func WaitTimeout(timeout time.Duration) WaitOption { return func(w *waiting) { w.timeout = timeout } }

// UntilAny ends the wait when one target has ended, instead of all.
func UntilAny() WaitOption { return func(w *waiting) { w.any = true } }

// MustExist makes a record that is not there a [*RecordNotFoundError], instead of waiting for it.
func MustExist() WaitOption { return func(w *waiting) { w.mustExist = true } }

// WithoutResults has neither results nor the errors of failed records sent.
func WithoutResults() WaitOption { return func(w *waiting) { w.withoutResults = true } }

// WithCodec decodes results with another codec than that of JSON and bytes.
func WithCodec(codec Codec) WaitOption { return func(w *waiting) { w.codec = codec } }

// What one call of the server takes.
const targetsMax = 100

// WaitFor observes records until they have ended, and never does their work. For each of them it tells first the record as
// it is, then what changes, then its end, which is an event also if it is a failure. A record that is not there yet is
// waited for. An unknown outcome is told, and is not the end.
//
// The stream is renewed by itself over lost connections, servers that go, and time: what was told before is not told
// again. Changes that follow each other faster than they are read are told as the newest of them. Leaving the loop cancels
// what is left.
//
//	for event, err := range client.WaitFor(ctx, holdfast.Targets{{Scope: "charge", Key: id}}) {
//		if err != nil {
//			return err
//		}
//		if event.Kind == holdfast.EventProgress {
//			log.Print(event.Progress.Fraction)
//		}
//	}
//
// An error is the last thing that is told: [*TimeoutError], the context's cause, [*FingerprintMismatchError],
// [*RecordNotFoundError] with [MustExist], [*ClosedError], or what kept the server from answering for the retry policy's
// total time.
func (c *Client) WaitFor(ctx context.Context, targets Targets, options ...WaitOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := c.waitFor(ctx, targets, options, func(event Event) bool { return yield(event, nil) })
		if err != nil && err != errStreamClose {
			yield(Event{}, err)
		}
	}
}

// Result waits until a record has ended, as [Client.WaitFor] does, and returns its result as a replay would. Its errors are
// also [*FailedError], [*ExpiredError] and [*ResultUnavailableError].
func Result[T any](ctx context.Context, c *Client, target Target, options ...WaitOption) (T, error) {
	var value T
	for event, err := range c.WaitFor(ctx, Targets{target}, options...) {
		if err != nil {
			return value, err
		}
		if event.Kind == EventEnded {
			return value, event.End.Decode(&value)
		}
	}
	return value, fault(ReasonAnswerIncomplete, "the server ended the wait, and did not tell the end")
}

// asked is a target, and what its reader has been told.
type asked struct {
	message *pb.WaitTarget
	memory  waitMemory
}

// waitFor returns errStreamClose when tell wants no more.
func (c *Client) waitFor(ctx context.Context, targets Targets, options []WaitOption, tell func(Event) bool) error {
	var how waiting
	for _, option := range options {
		option(&how)
	}
	if how.timeout < 0 {
		return fieldInvalid("timeout", "a time above 0, or 0 for none")
	}
	all, err := c.ask(targets, how.codec)
	if err != nil {
		return err
	}
	limit, cancel := c.whileOpen(ctx)
	defer cancel()
	endAt, hasEnd := ctx.Deadline()
	if how.timeout > 0 {
		if at := time.Now().Add(how.timeout); !hasEnd || at.Before(endAt) {
			endAt, hasEnd = at, true
		}
		limit, cancel = context.WithTimeoutCause(limit, how.timeout, errTimedOut)
		defer cancel()
	}
	backOff := &backOff{c: c}
	for isOver := false; !isOver && err == nil; {
		left := waitForMax
		if hasEnd {
			left = time.Until(endAt)
		}
		isOver, err = c.oneStream(limit, all, how, left, backOff, tell)
	}
	if errors.Is(err, errTimedOut) {
		var cause error
		if backOff.lastError != nil {
			cause = ErrorOf(backOff.lastError)
		}
		told := fmt.Sprintf("%d of %d records have not ended", len(open(all)), len(all))
		return timeoutError(how.timeout, "", told, cause)
	}
	return err
}

// oneStream asks for those that have not ended. It returns whether the wait is over, and if it is not, after a pause.
func (c *Client) oneStream(
	ctx context.Context, all []*asked, how waiting, left time.Duration, backOff *backOff, tell func(Event) bool,
) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	waiting := open(all)
	request := &pb.WaitForRequest{
		Mode: pb.WaitMode_WAIT_MODE_ALL, IncludeResult: !how.withoutResults, MustExist: how.mustExist,
	}
	if how.any {
		request.Mode = pb.WaitMode_WAIT_MODE_ANY
	}
	for _, each := range waiting {
		request.Targets = append(request.Targets, each.message)
	}
	backOff.begun()
	stream := c.openWaitStream(ctx, request, left)
	defer stream.close()
	var ended error
	for {
		message, err := stream.next()
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil {
			ended = err
			break
		}
		backOff.heard()
		if finish := message.GetFinish(); finish != nil {
			if finish.GetReason() == pb.Finish_REASON_DONE {
				return true, nil
			}
			break
		}
		if int(message.GetTargetIndex()) >= len(waiting) {
			return false, fault(ReasonAnswerIncomplete, "the server told of a target that was not asked for")
		}
		event, err := waiting[message.GetTargetIndex()].memory.take(message)
		if err != nil {
			return false, err
		}
		if event != nil && !tell(*event) {
			return false, errStreamClose
		}
	}
	stream.close()
	// Also without the server's word for it, which may be lost.
	if left := len(open(all)); left == 0 || (how.any && left < len(all)) {
		return true, nil
	}
	pause, err := backOff.pause(ended)
	if err != nil {
		return false, ErrorOf(err)
	}
	return false, sleep(ctx, pause)
}

func open(all []*asked) []*asked {
	var open []*asked
	for _, each := range all {
		if !each.memory.hasEnded {
			open = append(open, each)
		}
	}
	return open
}

func (c *Client) ask(targets Targets, codec Codec) ([]*asked, error) {
	if len(targets) == 0 || len(targets) > targetsMax {
		return nil, fieldInvalid("targets", fmt.Sprintf("1 to %d records", targetsMax))
	}
	var all []*asked
	for index, target := range targets {
		message, err := c.targetMessage(target)
		if err != nil {
			return nil, err
		}
		all = append(all, &asked{message, waitMemory{target: target, index: index, codec: codec}})
	}
	return all, nil
}

func (c *Client) targetMessage(target Target) (*pb.WaitTarget, error) {
	tenant := target.Tenant
	if tenant == "" {
		tenant = c.tenant
	}
	key, err := recordKey(tenant, target.Scope, target.Key)
	if err != nil {
		return nil, err
	}
	fingerprint := target.Fingerprint
	if target.Input != nil {
		if fingerprint != nil {
			return nil, fieldInvalid("target", "one with an Input or a Fingerprint, not both")
		}
		of, err := FingerprintOf(target.Input)
		if err != nil {
			return nil, err
		}
		fingerprint = &of
	}
	message := &pb.WaitTarget{Key: key}
	if fingerprint != nil {
		message.Fingerprint = fingerprint.message()
	}
	return message, nil
}
