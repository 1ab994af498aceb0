package holdfast

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// bounds of the tries of one call.
type bounds struct {
	// No try begins, and no delay ends, after it; later by what the tries have waited.
	giveUpAt time.Time
	// Zero is the policy's.
	tryTimeout time.Duration
	// Asked before each try: how long the server may keep it open. Nil is not at all.
	wait func() time.Duration
	// Told of each failed try.
	onError func(error)
}

// answered is an answer, and when the call that brought it was sent: what a lease is counted from.
type answered[T any] struct {
	answer T
	sentAt time.Time
	// How long the server was asked to keep that call open for a better answer.
	wait time.Duration
}

// retrying repeats a call with the same request until it is answered: every method is idempotent, so a lost answer and a
// lost request are treated alike. Full jitter comes on top of what the server asks for in RetryInfo.
//
// The context ends delays and begins no further try. A try under way is left alone: the context that send is given has the
// values of this one and the try's deadline only, and whoever wants the try cancelled sees to that.
//
// What it returns is the last error as it came, or the context's cause.
func retrying[T any](
	ctx context.Context, c *Client, of bounds, send func(ctx context.Context, wait time.Duration) (T, error),
) (answered[T], error) {
	oneMore := true
	giveUpAt := of.giveUpAt
	for tries := 0; ; tries++ {
		if ctx.Err() != nil {
			return answered[T]{}, context.Cause(ctx)
		}
		sentAt := time.Now()
		var wait time.Duration
		if of.wait != nil {
			wait = of.wait()
		}
		timeout := c.retry.TryTimeout
		if of.tryTimeout > 0 {
			timeout = of.tryTimeout
		}
		timeout = max(time.Millisecond, min(timeout, giveUpAt.Sub(sentAt))+wait)
		answer, err := within(ctx, timeout, func(ctx context.Context) (T, error) { return send(ctx, wait) })
		if err == nil {
			return answered[T]{answer, sentAt, wait}, nil
		}
		if of.onError != nil {
			of.onError(err)
		}
		if ctx.Err() != nil {
			return answered[T]{}, context.Cause(ctx)
		}
		giveUpAt = giveUpAt.Add(min(wait, time.Since(sentAt)))
		said := wire.Describe(err)
		delay, again := said.Delay()
		if !again && !(oneMore && said.IsWorthOneMore()) {
			return answered[T]{}, err
		}
		oneMore = oneMore && !said.IsWorthOneMore()
		delay += c.jitter(tries)
		if time.Now().Add(delay).After(giveUpAt) {
			return answered[T]{}, err
		}
		if err := sleep(ctx, delay); err != nil {
			return answered[T]{}, err
		}
	}
}

func within[T any](ctx context.Context, timeout time.Duration, send func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return send(ctx)
}

// jitter is a random part of what doubles with each try, up to the policy's most.
func (c *Client) jitter(tries int) time.Duration {
	grown := c.retry.MaxDelay
	if tries < 30 {
		grown = min(grown, c.retry.BaseDelay<<tries)
	}
	return time.Duration(c.random() * float64(grown))
}

// sleep returns the context's cause when that comes first.
func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
