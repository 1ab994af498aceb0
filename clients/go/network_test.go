package holdfast_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/holdfast-dev/holdfast/clients/go"
	"github.com/holdfast-dev/holdfast/clients/go/internal/testserver"
)

// proxied is a client that reaches the server by a way that can be broken.
func proxied(t *testing.T) (*testserver.Proxy, *holdfast.Client) {
	t.Helper()
	proxy, err := testserver.NewProxy(serverAddress(t))
	check(t, err)
	client := dial(t, proxy.Address)
	t.Cleanup(proxy.Close)
	return proxy, client
}

// until asks the record until its state is as wanted.
func until(ctx context.Context, t *testing.T, client *holdfast.Client, work holdfast.Work, state string) {
	t.Helper()
	for ; ; time.Sleep(20 * time.Millisecond) {
		for event, err := range client.WaitFor(ctx, holdfast.Targets{targetOf(work)}) {
			check(t, err)
			if event.Record != nil && event.Record.State == state {
				return
			}
			break
		}
	}
}

func TestALostAnswerToTheClaimFindsTheSameHolder(t *testing.T) {
	ctx, other := serverClient(t)
	proxy, client := proxied(t)
	_, err := holdfast.Once(ctx, client, named(t), returning(0))
	check(t, err)
	work := named(t)
	proxy.HoldAnswers()
	go func() {
		until(ctx, t, other, work, "in-progress")
		proxy.Cut()
	}()
	done, err := holdfast.Once(ctx, client, work, returning(1))
	if err != nil || done.Attempt != 1 || done.Replayed || done.Reason != "reattached" {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestALostAnswerToTheEndIsNoFailure(t *testing.T) {
	ctx, other := serverClient(t)
	proxy, client := proxied(t)
	for state, ends := range map[string]error{"completed": nil, "available": holdfast.Retryable(errors.New("busy"))} {
		work := named(t)
		done, err := holdfast.Once(ctx, client, work, func(context.Context, *holdfast.Attempt) (int, error) {
			proxy.HoldAnswers()
			go func() {
				until(ctx, t, other, work, state)
				proxy.Cut()
			}()
			return 1, ends
		})
		if ends == nil && (err != nil || done.Value != 1) || ends != nil && err.Error() != "busy" {
			t.Errorf("%s: %+v, %v", state, done, err)
		}
		next, err := holdfast.Once(ctx, client, work, returning(2))
		if wanted := map[string]int{"completed": 1, "available": 2}[state]; err != nil || next.Attempt != wanted {
			t.Errorf("%s: %+v, %v", state, next, err)
		}
	}
}

func TestACheckpointIsStoredThoughTheConnectionIsReset(t *testing.T) {
	ctx, client := serverClient(t)
	proxy, slow := proxied(t)
	work := named(t)
	end, a, _ := holding[int](ctx, t, slow, work)
	proxy.HoldAnswers()
	time.AfterFunc(200*time.Millisecond, proxy.Cut)
	check(t, a.Checkpoint(ctx, "", 5))
	end(0, holdfast.Retryable(errors.New("busy")))
	_, err := holdfast.Once(ctx, client, work, func(_ context.Context, a *holdfast.Attempt) (int, error) {
		var left int
		err := a.LastCheckpoint().Decode(&left)
		if left != 5 || a.PreviousError().Message() != "busy" {
			t.Errorf("%d, %v", left, a.PreviousError())
		}
		return 1, err
	})
	check(t, err)
}

func TestCallsGoPastAServerThatIsDown(t *testing.T) {
	address := serverAddress(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	nobody.Close()
	client := dial(t, nobody.Addr().String(), holdfast.WithAddresses(address))
	for range 4 {
		_, err := holdfast.Once(t.Context(), client, named(t), returning(1))
		check(t, err)
	}
}

func TestAnErrorSaysThatNoServerAnswers(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	nobody.Close()
	client := dial(t, nobody.Addr().String(), holdfast.WithRetry(holdfast.RetryPolicy{TotalTimeout: 300 * time.Millisecond}))
	work := named(t)
	_, err = holdfast.Once(t.Context(), client, work, returning(1))
	if of := wants[*holdfast.TransportError](t, err); of.Code != codes.Unavailable || of.Reason != "" {
		t.Errorf("%+v", of)
	}
	_, err = holdfast.Result[int](t.Context(), client, targetOf(work))
	wants[*holdfast.TransportError](t, err)
}
