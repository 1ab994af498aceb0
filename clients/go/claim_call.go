package holdfast

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

type claimTerms struct {
	// Told of each failed try.
	onError func(error)
	// Asked before each try: how long the server may keep it open. Nil is not at all.
	wait func() time.Duration
	// The lease that this claim_id holds already, as far as is known.
	held *pb.Acquired
}

// sentClaim is what came of the tries of a claim.
type sentClaim struct {
	claimed
	err error
	// The error of the newest try that may have acquired although its answer was lost.
	lost error
	// Which way the newest try went.
	route *line
}

// claimOnce is one claim_id, until it is answered. A caller who gives up while a claim is under way may have become the
// holder without hearing of it, and under Hold nobody could go on. So whatever it acquires, heard of or not, is given
// back:
//
//   - A try without a wait is answered soon, so it is left alone, and its answer says what there is to give back.
//   - A try with a wait is cancelled, so that the server takes the waiter out; nobody may hang for a wait that nobody
//     wants. The lease of a claim that is promoted after that is given back by the server. What was acquired before that,
//     at once or by a promotion whose answer crossed the cancellation, nobody but the record knows: the claim is sent once
//     more, behind the cancellation, without a wait.
//
// Its error is typed, or a givenUp with the context's cause.
func (c *Client) claimOnce(ctx context.Context, request *pb.ClaimRequest, terms claimTerms) (claimed, error) {
	// A copy: its claim_id may be replaced while a given-up call is still being repeated.
	request = proto.CloneOf(request)
	hangUp, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan sentClaim, 1)
	go func() {
		defer cancel()
		done <- c.sendClaim(ctx, hangUp, request, terms)
	}()
	select {
	case sent := <-done:
		if sent.err == nil {
			return sent.claimed, nil
		}
		if ctx.Err() == nil {
			return claimed{}, ErrorOf(sent.err)
		}
		done <- sent
	case <-ctx.Done():
	}
	cancel()
	c.keep(func() { c.giveBack(context.WithoutCancel(ctx), request, terms.held, <-done) })
	return claimed{}, givenUp{context.Cause(ctx)}
}

// givenUp says that the caller has gone, and that what the claim has acquired is being given back.
type givenUp struct{ error }

func (g givenUp) Unwrap() error { return g.error }

// causeOf is what the caller is told.
func causeOf(err error) error {
	if gone, is := err.(givenUp); is {
		return gone.error
	}
	return err
}

func (c *Client) sendClaim(ctx, hangUp context.Context, request *pb.ClaimRequest, terms claimTerms) (sent sentClaim) {
	of := bounds{
		giveUpAt: time.Now().Add(c.retry.TotalTimeout),
		wait:     terms.wait,
		onError: func(err error) {
			if wire.Describe(err).MayHaveTakenEffect() {
				sent.lost = err
			}
			if terms.onError != nil {
				terms.onError(err)
			}
		},
	}
	sent.claimed, sent.err = retrying(ctx, c, of, func(ctx context.Context, wait time.Duration) (*pb.ClaimResponse, error) {
		sent.route = c.lines.pick(nil)
		if wait == 0 {
			return unary(ctx, c, sent.route, request, pb.IdempotencyServiceClient.Claim)
		}
		waiting := proto.CloneOf(request)
		waiting.Wait = durationpb.New(wait)
		ctx, stop := joined(ctx, hangUp)
		defer stop()
		return unary(ctx, c, sent.route, waiting, pb.IdempotencyServiceClient.Claim)
	})
	return sent
}

// giveBack ends the lease that a given-up claim has acquired, heard of or not. It warns when that may not have come
// about.
func (c *Client) giveBack(ctx context.Context, request *pb.ClaimRequest, held *pb.Acquired, sent sentClaim) {
	acquired := sent.answer.GetAcquired()
	if sent.err != nil {
		acquired = held
		if held == nil && sent.lost != nil {
			var err error
			if acquired, err = c.askAgain(ctx, request, sent); err != nil {
				c.warnOf("give-back-failed", request.GetKey(), err)
				return
			}
		}
	}
	if acquired != nil {
		c.endLease(ctx, request, acquired)
	}
}

// askAgain learns the fate of a claim: the same claim_id reattaches to the lease if it was acquired. If it was not, this
// acquires it for a moment: the server has no call that asks without claiming.
//
// It goes the way of the call in question first, so that it is not ahead of it. For one try's time and no longer, because
// Close waits for it.
func (c *Client) askAgain(ctx context.Context, request *pb.ClaimRequest, sent sentClaim) (*pb.Acquired, error) {
	giveUpAt := time.Now().Add(c.retry.TryTimeout)
	delay, _ := wire.Describe(sent.lost).Delay()
	if delay >= c.retry.TryTimeout {
		return nil, sent.lost
	}
	if err := sleep(ctx, delay); err != nil {
		return nil, err
	}
	wanted := sent.route
	got, err := retrying(ctx, c, bounds{giveUpAt: giveUpAt}, func(ctx context.Context, _ time.Duration) (*pb.ClaimResponse, error) {
		over := wanted
		wanted = nil
		return unary(ctx, c, over, request, pb.IdempotencyServiceClient.Claim)
	})
	if err == nil {
		return got.answer.GetAcquired(), nil
	}
	if wire.Describe(err).IsWorthRepeating() {
		return nil, err
	}
	// Refused for good: the holder would have been reattached.
	return nil, nil
}

// endLease ends a lease under which nothing was done. It warns when that may not have come about.
func (c *Client) endLease(ctx context.Context, request *pb.ClaimRequest, acquired *pb.Acquired) {
	const why = textError("the caller gave up before the claim was answered")
	failure := NotStarted(why)
	if request.GetIntent() == pb.ClaimIntent_CLAIM_INTENT_RECONCILE {
		// From a reconciler, "not started" would be a verdict on somebody else's attempt.
		failure = OutcomeUnknown(why)
	}
	err := c.sendFail(ctx, acquired.GetLease().GetHandle(), failure)
	// What is not held any more need not be given back.
	if err != nil && !isLeaseLost(err) {
		c.warnOf("give-back-failed", request.GetKey(), err)
	}
}

func (c *Client) warnOf(kind string, key *pb.RecordKey, err error) {
	if err != nil {
		err = ErrorOf(err)
	}
	c.warn(Warning{Kind: kind, Scope: key.GetScope(), Key: key.GetKey(), Err: err})
}

type textError string

func (e textError) Error() string { return string(e) }
