package holdfast

import (
	"time"

	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// backOff says when to ask for a stream again that has ended too early: as retrying pauses between tries, but a stream that
// has lived for a while leaves no reason to pause for long.
type backOff struct {
	c            *Client
	begunAt      time.Time
	failingSince time.Time
	// The last stream's; nil when it has said something.
	lastError error
	tries     int
	twice     bool
}

// begun: a stream is asked for.
func (b *backOff) begun() { b.begunAt = time.Now() }

// heard: a message has come.
func (b *backOff) heard() { b.failingSince, b.lastError, b.twice = time.Time{}, nil, false }

// pause is how long to pause before the next stream. It returns what ended the last one when asking again cannot help, or
// has not for the retry policy's total time; nil is a server that said it would end.
func (b *backOff) pause(ended error) (time.Duration, error) {
	now := time.Now()
	b.lastError = ended
	if b.failingSince.IsZero() {
		b.failingSince = now
	}
	if now.Sub(b.begunAt) >= b.c.retry.MaxDelay {
		b.tries = 0
	}
	var delay time.Duration
	if ended != nil {
		said := wire.Describe(ended)
		var again bool
		if delay, again = said.Delay(); !again {
			if b.twice || !said.IsWorthOneMore() {
				return 0, ended
			}
			b.twice = true
		}
	}
	delay += b.c.jitter(b.tries)
	b.tries++
	if ended != nil && now.Add(delay).Sub(b.failingSince) >= b.c.retry.TotalTimeout {
		return 0, ended
	}
	return delay, nil
}
