package holdfast

import (
	"errors"
	"sync"
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

const (
	// Half of what the server allows, and what is left of a connection that has reached its age.
	waitMax = 30 * time.Second
	// Left of the caller's time when the server answers at the latest: so its answer comes before the caller gives up,
	// which would cost a cancellation and another call.
	answerTime = 100 * time.Millisecond
	// A server where too many wait answers claims all the same, if they do not wait; after this time waiting is tried
	// again.
	noWaitTime = 10 * time.Second
	// The first pause after an answer for which the server did not wait. It doubles up to the server's retry_after, which
	// is what is left of the lease: most work is much shorter than its lease.
	firstPause = 100 * time.Millisecond
	// A lease about to end has next to nothing left.
	leastPause = 10 * time.Millisecond
)

// pace is how often somebody who waits asks, and how long each question may stay open. A claim that is given up goes on
// asking it beside the one who has given up.
type pace struct {
	// When the caller gives up; zero is never.
	end    time.Time
	random func() float64

	mu          sync.Mutex
	noWaitUntil time.Time
	pauses      int
	lastError   error
}

// wait is how long the server may keep the next claim open: 0 for not at all.
func (p *pace) wait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.noWaitUntil) {
		return 0
	}
	wait := waitMax
	if !p.end.IsZero() {
		wait = min(wait, p.end.Sub(now)-answerTime)
	}
	return max(0, wait.Truncate(time.Millisecond))
}

// failed is told of each failed try.
func (p *pace) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastError = ErrorOf(err)
	if errors.Is(p.lastError, ReasonQuotaWaiters) {
		p.noWaitUntil = time.Now().Add(noWaitTime)
	}
}

// last is the error of the newest try; nil when it was answered.
func (p *pace) last() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastError
}

// pause is how long to pause after an answer that settles nothing.
func (p *pace) pause(of answered[*pb.ClaimResponse]) time.Duration {
	took := time.Since(of.sentAt)
	var retryAfter time.Duration
	switch detail := of.answer.GetDetail().(type) {
	case *pb.ClaimResponse_RetryScheduled:
		retryAfter = detail.RetryScheduled.GetRetryAfter().AsDuration()
		// A due time is known, and nothing changes before it but by an operator; the server has spread its callers
		// already. It waits by itself for one that is near enough; if it did not, it never will.
		if retryAfter <= of.wait-took {
			return max(leastPause, retryAfter)
		}
		return max(leastPause, retryAfter-p.wait())
	case *pb.ClaimResponse_InProgress:
		retryAfter = detail.InProgress.GetRetryAfter().AsDuration()
	default:
		panic("bug: this claim is settled")
	}
	// Half of it, because the two clocks may differ, and something between may allow less.
	hasWaited := of.wait > 0 && took >= of.wait/2
	if hasWaited && p.wait() > 0 {
		p.again(true)
		return 0
	}
	growing := firstPause << min(p.again(hasWaited), 20)
	return max(leastPause, time.Duration(float64(min(retryAfter, growing))*(0.5+p.random()/2)))
}

// heard is told of each answer.
func (p *pace) heard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastError = nil
}

// again is how many pauses there have been since the server last waited.
func (p *pace) again(hasWaited bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if hasWaited {
		p.pauses = 0
		return 0
	}
	p.pauses++
	return p.pauses - 1
}
