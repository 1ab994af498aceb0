package holdfast

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// line is a connection to one server.
type line struct {
	address string
	rpc     pb.IdempotencyServiceClient
	isDown  func() bool
	close   func() error
}

// lines are connections to all servers, of which calls go round.
type lines struct {
	all  []*line
	turn atomic.Uint32
}

func openLines(s *settings) (*lines, error) {
	opened := &lines{}
	for _, address := range s.addresses {
		connection, err := grpc.NewClient(address, dialOptions(s, address)...)
		if err != nil {
			return nil, errors.Join(fieldInvalid("address", "host:port of a server's gRPC port"), err, opened.close())
		}
		opened.all = append(opened.all, &line{
			address: address,
			rpc:     pb.NewIdempotencyServiceClient(connection),
			isDown:  func() bool { return connection.GetState() == connectivity.TransientFailure },
			close:   connection.Close,
		})
	}
	return opened, nil
}

func dialOptions(s *settings, address string) []grpc.DialOption {
	security := insecure.NewCredentials()
	if s.tls != nil {
		security = credentials.NewTLS(s.tls.Clone())
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(security),
		// What is repeated, and how, is said here and nowhere else.
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		// A connection whose other end is gone without a word is found within 40 s instead of never.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// gRPC begins at 1 s and goes up to 120 s: a server that restarts would be missed for longer than a lease.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second,
			},
			MinConnectTimeout: 10 * time.Second,
		}),
	}
	if isLoopback(address) {
		// The proxy of the environment would take the call to its own machine, and read what is in it.
		options = append(options, grpc.WithNoProxy())
	}
	return options
}

// pick takes the one that is wanted, or the next in turn, but passes over those that are down while another is not.
func (l *lines) pick(wanted *line) *line {
	if wanted != nil && !wanted.isDown() {
		return wanted
	}
	// Not as an int, which may have no room for it.
	turn := int((l.turn.Add(1) - 1) % uint32(len(l.all)))
	for i := range l.all {
		if next := l.all[(turn+i)%len(l.all)]; !next.isDown() {
			return next
		}
	}
	return l.all[turn]
}

func (l *lines) close() error {
	var failed error
	for _, each := range l.all {
		failed = errors.Join(failed, each.close())
	}
	return failed
}

// unary makes one try of a call, with the credential, over the line or the next in turn. What no server has answered
// comes back with the address that was asked.
func unary[In, Out any](
	ctx context.Context, c *Client, over *line, request In,
	method func(pb.IdempotencyServiceClient, context.Context, In, ...grpc.CallOption) (Out, error),
) (Out, error) {
	over = c.lines.pick(over)
	var none Out
	authorized, sent, err := c.credential.authorize(ctx)
	if err != nil {
		return none, err
	}
	answer, err := method(over.rpc, authorized, request)
	if c.credential.isWorthAnother(err) {
		another, fetched, fetchErr := c.credential.authorize(ctx)
		if fetchErr == nil && fetched != sent {
			answer, err = method(over.rpc, another, request)
		}
	}
	return answer, over.explain(err)
}

func (l *line) explain(err error) error {
	said := status.Convert(err)
	if said.Code() == codes.OK || len(said.Details()) > 0 {
		return err
	}
	return status.Errorf(said.Code(), "%s: %s", l.address, said.Message())
}
