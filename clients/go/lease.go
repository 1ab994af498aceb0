package holdfast

import (
	"context"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

const (
	// No more than one heartbeat a second for the sake of progress alone.
	progressInterval = time.Second
	// The server recommends a third of the lease; this is for a server that recommends nothing.
	heartbeatInterval = 10 * time.Second
	// Longer than a lease can be.
	never = 1000 * time.Hour
)

// heldLease is a lease that is held by heartbeats, one each recommended interval and repeated within the lease when lost,
// until it is ended or lost.
//
// The lease runs out at send time + waited + remaining on the monotonic clock. The call had been sent before the server
// began to count, so this is never later than the server's own end of the lease, whatever the network and the wall clocks
// do.
type heldLease struct {
	c        *Client
	handle   *pb.LeaseHandle
	fence    int64
	asked    *durationpb.Duration
	interval time.Duration
	// work is cancelled once: with a *LeaseLostError, or with the cause of the caller who gave up. The lease is held all
	// the same then: the work may still be running.
	work     context.Context
	stopWork context.CancelCauseFunc
	unfollow func() bool
	// ended is cancelled when the lease is ended or lost.
	ended context.Context
	stop  context.CancelCauseFunc
	beats sync.WaitGroup
	// changed wakes the one who watches the times.
	changed chan struct{}

	mu                         sync.Mutex
	leaseEnd, lastBeat, nextAt time.Time
	progress                   *pb.Progress
}

// hold begins to hold what a claim has acquired, until end is called.
func (c *Client) hold(ctx context.Context, got claimed, lease time.Duration) (*heldLease, error) {
	acquired := got.answer.GetAcquired().GetLease()
	if acquired.GetHandle().GetKey() == nil {
		return nil, fault(ReasonAnswerIncomplete, "the server answered ACQUIRED without a lease")
	}
	l := &heldLease{
		c: c, handle: acquired.GetHandle(), fence: acquired.GetFence(), asked: durationField(lease),
		interval: acquired.GetHeartbeatInterval().AsDuration(),
		leaseEnd: leaseEnd(acquired, got.sentAt), lastBeat: got.sentAt,
		changed: make(chan struct{}, 1),
	}
	if l.interval <= 0 {
		l.interval = heartbeatInterval
	}
	l.nextAt = got.sentAt.Add(l.interval)
	l.work, l.stopWork = context.WithCancelCause(ctx)
	l.unfollow = context.AfterFunc(c.closing, func() { l.stopWork(context.Cause(c.closing)) })
	l.ended, l.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	l.beats.Go(l.watch)
	return l, nil
}

func (l *heldLease) remaining() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.leaseEnd))
}

// end: the attempt is over, and there is no timer, goroutine and heartbeat from here on.
func (l *heldLease) end() {
	l.stop(fault(ReasonAttemptEnded, "the attempt has ended"))
	l.unfollow()
	l.beats.Wait()
	l.stopWork(context.Cause(l.ended))
}

func (l *heldLease) lose(lost error) {
	l.stop(lost)
	// Not of one that was ended first.
	if context.Cause(l.ended) == lost {
		l.stopWork(lost)
	}
}

// watch begins the heartbeats, and tells when the lease is over.
func (l *heldLease) watch() {
	for {
		l.mu.Lock()
		leaseEnd, nextAt := l.leaseEnd, l.nextAt
		l.mu.Unlock()
		now := time.Now()
		if !now.Before(leaseEnd) {
			l.lose(&LeaseLostError{fault(ReasonLeaseExpired, "the lease is over"), "expired"})
			return
		}
		wake := leaseEnd
		if !now.Before(nextAt) {
			l.schedule(now.Add(never))
			l.beats.Go(l.beatByItself)
		} else if nextAt.Before(wake) {
			wake = nextAt
		}
		timer := time.NewTimer(wake.Sub(now))
		select {
		case <-l.ended.Done():
			timer.Stop()
			return
		case <-l.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (l *heldLease) schedule(at time.Time) {
	l.mu.Lock()
	l.nextAt = at
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// note has the progress go with the next heartbeat, which comes within about a second.
func (l *heldLease) note(progress *pb.Progress) {
	l.mu.Lock()
	l.progress = progress
	soon := l.lastBeat.Add(progressInterval)
	isSooner := soon.Before(l.nextAt)
	l.mu.Unlock()
	if isSooner {
		l.schedule(soon)
	}
}

// extend is a heartbeat at once; what it carries is durable when this returns nil.
func (l *heldLease) extend(ctx context.Context, extra *pb.HeartbeatRequest) error {
	both, cancel := joined(ctx, l.ended)
	defer cancel()
	err := l.beat(both, extra)
	if err == nil {
		return nil
	}
	if both.Err() != nil {
		return context.Cause(both)
	}
	known := LeaseErrorOf(err)
	if isLeaseLost(known) {
		l.lose(known)
	}
	return known
}

func (l *heldLease) beatByItself() {
	err := l.extend(context.Background(), &pb.HeartbeatRequest{})
	if err != nil && l.ended.Err() == nil {
		l.c.warnOf("heartbeat-failed", l.handle.GetKey(), err)
		l.schedule(time.Now().Add(l.interval))
	}
}

func (l *heldLease) beat(ctx context.Context, request *pb.HeartbeatRequest) error {
	request.Handle, request.Lease = l.handle, l.asked
	l.mu.Lock()
	l.lastBeat = time.Now()
	request.Progress, l.progress = l.progress, nil
	giveUpAt := l.leaseEnd
	l.mu.Unlock()
	// A try that hangs for a whole interval leaves room for another one.
	of := bounds{giveUpAt: giveUpAt, tryTimeout: min(l.interval, l.c.retry.TryTimeout)}
	got, err := retrying(ctx, l.c, of, func(try context.Context, _ time.Duration) (*pb.HeartbeatResponse, error) {
		try, cancel := joined(try, ctx)
		defer cancel()
		return unary(try, l.c, nil, request, pb.IdempotencyServiceClient.Heartbeat)
	})
	l.mu.Lock()
	if err != nil {
		if l.progress == nil {
			l.progress = request.Progress
		}
		l.mu.Unlock()
		return err
	}
	// Both ends are lower bounds, so the later one holds: a heartbeat never shortens a lease.
	if end := leaseEnd(got.answer.GetLease(), got.sentAt); end.After(l.leaseEnd) {
		l.leaseEnd = end
	}
	next := l.interval
	if l.progress != nil {
		// What was noted while this one was under way does not wait for a whole interval.
		next = min(next, progressInterval)
	}
	l.mu.Unlock()
	l.schedule(got.sentAt.Add(next))
	return nil
}

func leaseEnd(lease *pb.Lease, sentAt time.Time) time.Time {
	return sentAt.Add(lease.GetWaited().AsDuration() + lease.GetRemaining().AsDuration())
}
