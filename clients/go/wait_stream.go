package holdfast

import (
	"context"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

const (
	keepAlive = 15 * time.Second
	// Of a stream that lives, one of two keep-alives arrives.
	silence = 2 * keepAlive
	// What the server takes.
	waitForMin = time.Second
	waitForMax = 10 * time.Minute
)

// waitStream is one call of WaitFor.
type waitStream struct {
	c       *Client
	ctx     context.Context
	cancel  context.CancelCauseFunc
	request *pb.WaitForRequest
	line    *line
	token   string
	stream  interface {
		Recv() (*pb.WaitForResponse, error)
	}
	hasHeard bool
}

var (
	errSilent      = status.Errorf(codes.Unavailable, "the stream was silent for %v", silence)
	errUnfinished  = status.Error(codes.Unavailable, "the stream ended without a finish")
	errStreamClose = textError("the stream is not read any more")
)

func (c *Client) openWaitStream(ctx context.Context, request *pb.WaitForRequest, left time.Duration) *waitStream {
	request.Timeout = durationpb.New(max(waitForMin, min(waitForMax, left)))
	request.KeepAliveInterval = durationpb.New(keepAlive)
	s := &waitStream{c: c, request: request, line: c.lines.pick(nil)}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	return s
}

// next is the next message; the last one is a finish. Its error is the stream's; one that fell silent, or ended without a
// finish, is UNAVAILABLE.
func (s *waitStream) next() (*pb.WaitForResponse, error) {
	// Only while somebody asks: a reader may take its time, and the stream fills up meanwhile.
	timer := time.AfterFunc(silence, func() { s.cancel(errSilent) })
	defer timer.Stop()
	message, err := s.receive()
	if !s.hasHeard && s.c.credential.isWorthAnother(err) {
		refused := s.token
		s.stream = nil
		if again, err2 := s.receive(); s.token != refused {
			message, err = again, err2
		}
	}
	switch {
	case err == nil:
		s.hasHeard = true
		return message, nil
	case err == io.EOF:
		return nil, errUnfinished
	case context.Cause(s.ctx) == errSilent:
		return nil, s.line.explain(errSilent)
	}
	return nil, s.line.explain(err)
}

func (s *waitStream) receive() (*pb.WaitForResponse, error) {
	if s.stream == nil {
		ctx, token, err := s.c.credential.authorize(s.ctx)
		if err != nil {
			return nil, err
		}
		s.token = token
		stream, err := s.line.rpc.WaitFor(ctx, s.request)
		if err != nil {
			return nil, err
		}
		s.stream = stream
	}
	return s.stream.Recv()
}

// close cancels what is left of it.
func (s *waitStream) close() { s.cancel(errStreamClose) }
