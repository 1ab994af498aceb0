package holdfast

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

func TestWaitersPauseWhereTheServerDoesNotLetThemWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retryAfter := int64(0)
		fake := &fakeServer{}
		fake.claim = func(_ context.Context, request *pb.ClaimRequest) (*pb.ClaimResponse, error) {
			if request.Wait != nil {
				return nil, wireEntry{Code: 8, Reason: ReasonQuotaWaiters, RetryAfterMs: &retryAfter}.err(t)
			}
			busy := &pb.InProgress{RetryAfter: durationpb.New(5 * time.Second)}
			return &pb.ClaimResponse{Detail: &pb.ClaimResponse_InProgress{InProgress: busy}}, nil
		}
		work := someWork
		work.Timeout = 9 * time.Second
		_, err := Once(t.Context(), fake.client(t), work, returns(1))
		if _, is := errors.AsType[*TimeoutError](err); !is {
			t.Error(err)
		}
		// The refused one, one at once, and the others after halves of 100 ms, 200 ms, and so on up to 5 s.
		if n := len(fake.claims); n != 10 {
			t.Errorf("%d claims in 9 s", n)
		}
	})
}

func TestAStreamThatFallsSilentIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeServer{}
		streams := 0
		fake.waitFor = func(ctx context.Context, _ *pb.WaitForRequest) (*pb.WaitForResponse, error) {
			if streams++; streams < 3 {
				return nil, hanging(ctx)
			}
			return &pb.WaitForResponse{Event: &pb.WaitForResponse_Ended{Ended: &pb.Ended{
				Detail: &pb.Ended_Completed{Completed: &pb.Completed{Result: &pb.Result{
					ContentType: jsonType, Body: &pb.Result_Inline{Inline: []byte("7")},
				}}},
			}}}, nil
		}
		began := time.Now()
		value, err := Result[int](t.Context(), fake.client(t), Target{Scope: "s", Key: "k"})
		if err != nil || value != 7 || time.Since(began) != 2*silence {
			t.Errorf("%d, %v, after %v", value, err, time.Since(began))
		}
	})
}

func TestATokenIsFetchedOnceMoreWhenItWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := wireEntry{Code: 16, Reason: ReasonCredentialsInvalid}.err(t)
		fetched := 0
		tokens := func(context.Context) (string, error) {
			fetched++
			return string(rune('a' + fetched)), nil
		}
		fake := &fakeServer{}
		fake.claim = func(context.Context, *pb.ClaimRequest) (*pb.ClaimResponse, error) {
			if fetched == 1 {
				return nil, refused
			}
			return acquired(pb.AcquireReason_ACQUIRE_REASON_NEW, 0), nil
		}
		if _, err := Once(t.Context(), fake.client(t, WithTokenSource(tokens)), someWork, returns(1)); err != nil {
			t.Error(err)
		}
		fake.waitFor = func(context.Context, *pb.WaitForRequest) (*pb.WaitForResponse, error) { return nil, refused }
		before := fetched
		_, err := Result[int](t.Context(), fake.client(t, WithTokenSource(tokens)), Target{Scope: "s", Key: "k"})
		if _, is := errors.AsType[*CredentialsInvalidError](err); !is || fetched != before+2 {
			t.Errorf("%v, %d tokens", err, fetched-before)
		}
	})
}
