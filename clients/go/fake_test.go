package holdfast

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// fakeServer answers as it is told to, in the virtual time of a test.
type fakeServer struct {
	pb.IdempotencyServiceClient
	claim     func(ctx context.Context, request *pb.ClaimRequest) (*pb.ClaimResponse, error)
	heartbeat func(ctx context.Context, request *pb.HeartbeatRequest) (*pb.HeartbeatResponse, error)
	waitFor   func(ctx context.Context, request *pb.WaitForRequest) (*pb.WaitForResponse, error)

	mu     sync.Mutex
	claims []*pb.ClaimRequest
	beats  []*pb.HeartbeatRequest
	ends   []any
	// The end of an attempt is refused with these, one after the other.
	refusals []error
}

func (f *fakeServer) Claim(ctx context.Context, request *pb.ClaimRequest, _ ...grpc.CallOption) (*pb.ClaimResponse, error) {
	f.mu.Lock()
	f.claims = append(f.claims, request)
	f.mu.Unlock()
	return f.claim(ctx, request)
}

func (f *fakeServer) Heartbeat(ctx context.Context, request *pb.HeartbeatRequest, _ ...grpc.CallOption) (*pb.HeartbeatResponse, error) {
	f.mu.Lock()
	f.beats = append(f.beats, request)
	f.mu.Unlock()
	return f.heartbeat(ctx, request)
}

func (f *fakeServer) end(request any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends = append(f.ends, request)
	if len(f.refusals) == 0 {
		return nil
	}
	err := f.refusals[0]
	f.refusals = f.refusals[1:]
	return err
}

func (f *fakeServer) Complete(_ context.Context, request *pb.CompleteRequest, _ ...grpc.CallOption) (*pb.CompleteResponse, error) {
	return &pb.CompleteResponse{}, f.end(request)
}

func (f *fakeServer) Fail(_ context.Context, request *pb.FailRequest, _ ...grpc.CallOption) (*pb.FailResponse, error) {
	return &pb.FailResponse{}, f.end(request)
}

type fakeStream struct {
	grpc.ServerStreamingClient[pb.WaitForResponse]
	ctx  context.Context
	recv func(context.Context) (*pb.WaitForResponse, error)
}

func (s fakeStream) Recv() (*pb.WaitForResponse, error) { return s.recv(s.ctx) }

func (f *fakeServer) WaitFor(ctx context.Context, request *pb.WaitForRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[pb.WaitForResponse], error) {
	return fakeStream{ctx: ctx, recv: func(ctx context.Context) (*pb.WaitForResponse, error) {
		return f.waitFor(ctx, request)
	}}, nil
}

// client of the fake, with no jitter.
func (f *fakeServer) client(t *testing.T, options ...Option) *Client {
	t.Helper()
	settings := settings{retry: defaultRetry, warn: func(warning Warning) { t.Logf("%+v", warning) }}
	for _, option := range options {
		option(&settings)
	}
	credential, err := settings.newCredential()
	if err != nil {
		t.Fatal(err)
	}
	settings.credential = credential
	only := &line{address: "fake", rpc: f, isDown: func() bool { return false }, close: func() error { return nil }}
	c := newClient(&settings, &lines{all: []*line{only}})
	c.random = func() float64 { return 0 }
	return c
}

const fakeLease = 30 * time.Second

// acquired is the answer of a claim that has waited for its lease.
func acquired(reason pb.AcquireReason, waited time.Duration) *pb.ClaimResponse {
	lease := &pb.Lease{
		Handle:            &pb.LeaseHandle{Key: &pb.RecordKey{Tenant: "default", Scope: "s", Key: "k"}, Fence: 7},
		Fence:             7,
		Attempt:           1,
		Remaining:         durationpb.New(fakeLease),
		Waited:            durationpb.New(waited),
		HeartbeatInterval: durationpb.New(fakeLease / 3),
	}
	return &pb.ClaimResponse{Detail: &pb.ClaimResponse_Acquired{Acquired: &pb.Acquired{Lease: lease, Reason: reason}}}
}

func extended() *pb.HeartbeatResponse {
	return &pb.HeartbeatResponse{Lease: &pb.Lease{Remaining: durationpb.New(fakeLease)}}
}

// hanging answers nothing until its caller hangs up.
func hanging(ctx context.Context) error {
	<-ctx.Done()
	return status.FromContextError(ctx.Err()).Err()
}

var (
	errUnavailable = status.Error(codes.Unavailable, "nobody is there")
	errInternal    = status.Error(codes.Internal, "a bug")
	someWork       = Work{Scope: "s", Key: "k"}
)
