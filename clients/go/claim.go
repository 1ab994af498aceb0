package holdfast

import (
	"context"
	"errors"
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

type claimed = answered[*pb.ClaimResponse]

// A claim_id that never worked and is told CLAIM_ENDED means a claim that was given back, by the server or by one of its
// own that came late; once is rare.
const newClaimIDsMax = 5

var errTimedOut = errors.New("the wait is over")

// claimUntilSettled claims, and waits while somebody else works or a retry is scheduled: the server keeps the claim open
// until there is something better to say, and the same claim is sent again when it has waited in vain.
//
// Its error is a *TimeoutError, the context's cause, or that of the claim.
func (c *Client) claimUntilSettled(
	ctx context.Context, request *pb.ClaimRequest, timeout time.Duration,
) (claimed, error) {
	limit, cancel := c.whileOpen(ctx)
	defer cancel()
	pace := &pace{random: c.random}
	pace.end, _ = ctx.Deadline()
	if timeout > 0 {
		if end := time.Now().Add(timeout); pace.end.IsZero() || end.Before(pace.end) {
			pace.end = end
		}
		limit, cancel = context.WithTimeoutCause(limit, timeout, errTimedOut)
		defer cancel()
	}
	var last string
	for {
		got, err := c.claimAndConfirm(limit, request, claimTerms{onError: pace.failed, wait: pace.wait})
		if err == nil {
			pace.heard()
			switch got.answer.GetDetail().(type) {
			case *pb.ClaimResponse_InProgress:
				last = "in-progress"
			case *pb.ClaimResponse_RetryScheduled:
				last = "retry-scheduled"
			default:
				return got, nil
			}
			err = sleep(limit, pace.pause(got))
		}
		if errors.Is(err, errTimedOut) {
			told := "no answer yet"
			if last != "" {
				told = "last told " + last
			}
			return claimed{}, timeoutError(timeout, last, told, pace.last())
		}
		if err != nil {
			return claimed{}, causeOf(err)
		}
	}
}

// claimAndConfirm makes one logical claim: the same claim_id over all its tries, another one when what the first acquired
// was given back.
func (c *Client) claimAndConfirm(ctx context.Context, request *pb.ClaimRequest, terms claimTerms) (claimed, error) {
	for ids := 1; ; ids++ {
		got, err := c.claimOnce(ctx, request, terms)
		if err == nil {
			held := promotedLease(got)
			if held == nil {
				return got, nil
			}
			if got, err = c.confirm(ctx, request, held, terms); err == nil && got.answer.GetAcquired() != nil {
				return got, nil
			}
		}
		if err != nil && !errors.Is(err, ReasonClaimEnded) {
			return claimed{}, err
		}
		// This claim_id has had its attempt, and whatever came of it is over.
		if err != nil && ids >= newClaimIDsMax {
			return claimed{}, err
		}
		request.ClaimId = newClaimID()
		if err == nil {
			return got, nil
		}
	}
}

// promotedLease is the lease of a claim that has waited for it; nil when there is nothing to confirm.
func promotedLease(got claimed) *pb.Acquired {
	acquired := got.answer.GetAcquired()
	if acquired.GetLease().GetWaited().AsDuration() <= 0 {
		return nil
	}
	return acquired
}

// confirm sends the claim once more before the work begins. The server gives the lease of a promoted claim back when the
// connection breaks as it is answered, and cannot know whether the answer got through all the same. This answer decides:
// reattaching moves the end of the lease, and the server's guarded give-back misses it from here on.
//
// What it returns is the new lease with the first answer's story, or what became of the record since; CLAIM_ENDED when the
// lease was given back and nobody has claimed since. With any other error the lease is given back.
func (c *Client) confirm(
	ctx context.Context, request *pb.ClaimRequest, held *pb.Acquired, terms claimTerms,
) (claimed, error) {
	terms.held = held
	terms.wait = nil
	got, err := c.claimOnce(ctx, request, terms)
	if err == nil {
		if again := got.answer.GetAcquired(); again.GetReason() == pb.AcquireReason_ACQUIRE_REASON_REATTACHED {
			again.Reason, again.LastCheckpoint = held.GetReason(), held.GetLastCheckpoint()
			again.PreviousError = held.GetPreviousError()
		}
		return got, nil
	}
	if _, isGivenBack := err.(givenUp); !isGivenBack && !errors.Is(err, ReasonClaimEnded) {
		sent := request
		c.keep(func() { c.endLease(context.WithoutCancel(ctx), sent, held) })
	}
	return claimed{}, err
}
