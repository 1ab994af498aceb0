package holdfast

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Client calls the servers of one Holdfast. It is for many goroutines at once; a process needs one.
type Client struct {
	lines      *lines
	credential *credential
	tenant     string
	owner      *pb.Owner
	retry      RetryPolicy
	warn       func(Warning)
	// In [0, 1).
	random func() float64

	// closing is cancelled, with a *ClosedError, when Close is called.
	closing context.Context
	close   context.CancelCauseFunc
	mu      sync.Mutex
	isOver  bool
	open    sync.WaitGroup
}

// Dial makes a client of the server at host:port. It connects with the first call. An error is one of options that
// contradict each other, or would show a credential to whoever listens.
func Dial(address string, options ...Option) (*Client, error) {
	settings := settings{addresses: []string{address}, retry: defaultRetry}
	settings.owner.Instance = instanceName()
	for _, option := range options {
		option(&settings)
	}
	if err := settings.check(); err != nil {
		return nil, err
	}
	lines, err := openLines(&settings)
	if err != nil {
		return nil, err
	}
	return newClient(&settings, lines), nil
}

func newClient(settings *settings, lines *lines) *Client {
	c := &Client{
		lines:      lines,
		credential: settings.credential,
		tenant:     settings.tenant,
		owner:      &pb.Owner{Service: settings.owner.Service, Instance: settings.owner.Instance},
		retry:      settings.retry,
		warn:       settings.warn,
		random:     rand.Float64,
	}
	if c.warn == nil {
		c.warn = newLogWarning()
	}
	c.closing, c.close = context.WithCancelCause(context.Background())
	return c
}

// Close ends waiting calls, cancels the contexts of running works, waits for their ends to be stored, and disconnects.
func (c *Client) Close() error {
	c.mu.Lock()
	c.isOver = true
	c.mu.Unlock()
	c.close(&ClosedError{fault(ReasonClosed, "the client is closed")})
	c.open.Wait()
	return c.lines.close()
}

// begin has Close wait until end is called. It is refused once closing.
func (c *Client) begin() (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isOver {
		return nil, context.Cause(c.closing)
	}
	c.open.Add(1)
	return c.open.Done, nil
}

// keep runs what nobody else waits for, also while closing. Only within begin and end.
func (c *Client) keep(task func()) { c.open.Go(task) }

// whileOpen is the context until the client is closed.
func (c *Client) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	return joined(ctx, c.closing)
}

// joined is a context that is over with the first of two, and has the values of the one.
func joined(ctx, other context.Context) (context.Context, context.CancelFunc) {
	both, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return both, func() {
		stop()
		cancel(nil)
	}
}

// Warning is something that went wrong beside the caller's call, and so can be returned to nobody.
type Warning struct {
	// Kind is "heartbeat-failed": the lease is not extended for now; "fail-not-stored": the attempt's error is not
	// recorded, and the record waits for the lease to run out; "give-back-failed": the same for a claim whose caller had
	// gone; or "policy-differs": the record's first claim fixed another policy than this one asked for.
	Kind       string
	Scope, Key string
	// Err is nil with "policy-differs".
	Err error
}

// Scopes are few; what would make many of them must not fill the memory or the log.
const loggedWarningsMax = 100

// newLogWarning logs the first of each kind and scope, without the key: keys may be personal.
func newLogWarning() func(Warning) {
	var mu sync.Mutex
	logged := map[[2]string]bool{}
	return func(warning Warning) {
		what := [2]string{warning.Kind, warning.Scope}
		mu.Lock()
		isNew := !logged[what] && len(logged) < loggedWarningsMax
		if isNew {
			logged[what] = true
		}
		mu.Unlock()
		if isNew {
			slog.Warn("holdfast: "+warning.Kind, "scope", warning.Scope, "error", warning.Err)
		}
	}
}

func instanceName() string {
	host, _ := os.Hostname()
	return cutToBytes(fmt.Sprintf("%s:%d", host, os.Getpid()), labelBytesMax)
}
