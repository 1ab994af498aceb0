package holdfast_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-dev/holdfast/clients/go"
	"github.com/holdfast-dev/holdfast/clients/go/internal/testserver"
)

// The server of all tests, started by the first that needs it.
var (
	shared      *testserver.Server
	startShared = sync.OnceValue(func() (err error) {
		shared, err = testserver.Start()
		return err
	})
)

func TestMain(m *testing.M) {
	if address := os.Getenv("HOLDFAST_DOOMED_ADDRESS"); address != "" {
		beDoomed(address)
		return
	}
	code := m.Run()
	if shared != nil {
		shared.Stop()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines were left behind:", err)
		code = 1
	}
	os.Exit(code)
}

// serverAddress is that of a real server; without one to be had, the test is left out.
func serverAddress(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("left out: -short is without a server")
	}
	err := startShared()
	if errors.Is(err, testserver.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return shared.Address
}

// dial is a client whose warnings are logged.
func dial(t *testing.T, address string, options ...holdfast.Option) *holdfast.Client {
	t.Helper()
	warn := holdfast.WithWarnings(func(warning holdfast.Warning) {
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", t.Name(), warning.Kind, warning.Err)
	})
	client, err := holdfast.Dial(address, append([]holdfast.Option{warn}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// serverClient is a client of a real server, and a context that ends before the test's time does.
func serverClient(t *testing.T) (context.Context, *holdfast.Client) {
	t.Helper()
	client := dial(t, serverAddress(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx, client
}

type charge struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"`
}

// named is work of a key that no other test, and no other run against the same server, has.
func named(t *testing.T) holdfast.Work {
	return holdfast.Work{Scope: "go-" + t.Name(), Key: fmt.Sprint(time.Now().UnixNano()), Input: charge{"order", 3}}
}

func targetOf(work holdfast.Work) holdfast.Target {
	return holdfast.Target{Scope: work.Scope, Key: work.Key}
}

// does work of one value at once.
func returning[T any](value T) func(context.Context, *holdfast.Attempt) (T, error) {
	return func(context.Context, *holdfast.Attempt) (T, error) { return value, nil }
}

func failing(err error) func(context.Context, *holdfast.Attempt) (charge, error) {
	return func(context.Context, *holdfast.Attempt) (charge, error) { return charge{}, err }
}

// holding begins work that ends when the returned function is called with its result.
func holding[T any](ctx context.Context, t *testing.T, client *holdfast.Client, work holdfast.Work) (end func(T, error) (holdfast.Done[T], error), a *holdfast.Attempt, lost context.Context) {
	t.Helper()
	type result struct {
		value T
		err   error
	}
	type answer struct {
		done holdfast.Done[T]
		err  error
	}
	results, answers := make(chan result, 1), make(chan answer, 1)
	began := make(chan func() (*holdfast.Attempt, context.Context), 1)
	go func() {
		done, err := holdfast.Once(ctx, client, work, func(ctx context.Context, a *holdfast.Attempt) (T, error) {
			began <- func() (*holdfast.Attempt, context.Context) { return a, ctx }
			result := <-results
			return result.value, result.err
		})
		answers <- answer{done, err}
	}()
	select {
	case of := <-began:
		a, lost = of()
	case early := <-answers:
		t.Fatalf("the work has not begun: %+v, %v", early.done, early.err)
	}
	return func(value T, err error) (holdfast.Done[T], error) {
		results <- result{value, err}
		got := <-answers
		return got.done, got.err
	}, a, lost
}

// check fails unless the error is as wanted.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants[E error](t *testing.T, err error) E {
	t.Helper()
	of, is := errors.AsType[E](err)
	if !is {
		t.Fatalf("%T (%v) is not a %T", err, err, of)
	}
	return of
}
