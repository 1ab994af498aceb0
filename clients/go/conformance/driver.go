package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/holdfast-dev/holdfast/clients/go"
)

var errCancelled = named{"Cancelled", "cancelled by the runner"}

type driver struct {
	write func(object)

	mu      sync.Mutex
	clients map[string]*holdfast.Client
	open    map[int]context.CancelCauseFunc
	playing map[int]func(request) (object, error)
}

func newDriver(write func(object)) *driver {
	return &driver{
		write:   write,
		clients: map[string]*holdfast.Client{},
		open:    map[int]context.CancelCauseFunc{},
		playing: map[int]func(request) (object, error){},
	}
}

// begin answers a request when there is an answer. What a later request may name is there when this returns.
func (d *driver) begin(r request, write func(object)) {
	ctx, cancel := context.WithCancelCause(context.Background())
	d.mu.Lock()
	d.open[r.ID] = cancel
	d.mu.Unlock()
	var opened error
	if r.Op == "open" {
		opened = d.openClient(r)
	}
	go func() {
		ok, err := object{}, opened
		if r.Op != "open" {
			ok, err = d.run(ctx, r)
		}
		d.mu.Lock()
		delete(d.open, r.ID)
		d.mu.Unlock()
		cancel(nil)
		if err != nil {
			write(object{"id": r.ID, "error": describe(err)})
		} else {
			write(object{"id": r.ID, "ok": ok})
		}
	}()
}

func (d *driver) run(ctx context.Context, r request) (object, error) {
	switch r.Op {
	case "hello":
		return object{
			"client": "holdfast-go", "version": holdfast.Version, "language": runtime.Version(),
			"features": []string{
				"fingerprint", "keys", "retry", "errors", "once", "wait-for", "result", "reconcile", "cancel",
			},
		}, nil
	case "fingerprint":
		return fingerprint(r)
	case "derive-key":
		key := holdfast.ProviderKeyOf(r.Tenant, r.Scope, r.Key, r.Provider)
		return object{"derived": key.String(), "uuid": key.UUID()}, nil
	case "retry":
		return r.retry(), nil
	case "error":
		return r.error(), nil
	case "cancel":
		d.mu.Lock()
		cancel := d.open[r.Call]
		d.mu.Unlock()
		if cancel != nil {
			cancel(errCancelled)
		}
		return object{}, nil
	case "step":
		d.mu.Lock()
		step := d.playing[r.Call]
		d.mu.Unlock()
		if step == nil {
			return nil, named{"Unsupported", fmt.Sprintf("call %d runs no work", r.Call)}
		}
		return step(r)
	case "close", "once", "wait-for", "result", "reconcile":
		d.mu.Lock()
		client := d.clients[r.Client]
		d.mu.Unlock()
		if client == nil {
			return nil, named{"Unsupported", fmt.Sprintf("no client %q is open", r.Client)}
		}
		return d.runWith(ctx, client, r)
	default:
		return nil, named{"Unsupported", fmt.Sprintf("no operation %q", r.Op)}
	}
}

func (d *driver) runWith(ctx context.Context, client *holdfast.Client, r request) (object, error) {
	switch r.Op {
	case "once":
		return d.once(ctx, client, r)
	case "wait-for":
		return d.waitFor(ctx, client, r)
	case "result":
		value, err := holdfast.Result[any](ctx, client, holdfast.Target{Scope: r.Scope, Key: r.Key}, r.waiting()...)
		if err != nil {
			return nil, err
		}
		return told(value)
	case "reconcile":
		return d.reconcile(ctx, client, r)
	default:
		d.mu.Lock()
		delete(d.clients, r.Client)
		d.mu.Unlock()
		return object{}, client.Close()
	}
}

func (d *driver) openClient(r request) error {
	options := []holdfast.Option{
		holdfast.WithTenant(r.Tenant),
		holdfast.WithAPIKey(r.APIKey),
		holdfast.WithOwner(r.Service, ""),
		holdfast.WithRetry(holdfast.RetryPolicy{TryTimeout: millis(r.TryTimeoutMs), TotalTimeout: millis(r.TotalTimeoutMs)}),
		holdfast.WithWarnings(func(warning holdfast.Warning) {
			fmt.Fprintf(os.Stderr, "%s (scope %s): %v\n", warning.Kind, warning.Scope, warning.Err)
		}),
	}
	if len(r.Addresses) == 0 {
		return named{"Unsupported", "a client needs addresses"}
	}
	client, err := holdfast.Dial(r.Addresses[0], append(options, holdfast.WithAddresses(r.Addresses[1:]...))...)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.clients[r.Client] = client
	d.mu.Unlock()
	return nil
}

func fingerprint(r request) (object, error) {
	var input any
	var canonical any
	if r.JSON != nil {
		text, err := holdfast.CanonicalJSON(json.RawMessage(*r.JSON))
		if err != nil {
			return nil, err
		}
		input, canonical = json.RawMessage(*r.JSON), string(text)
	} else {
		data, err := r.given()
		if err != nil {
			return nil, err
		}
		input = data
	}
	made, err := holdfast.FingerprintOf(input)
	return object{"algorithm": made.Algorithm, "digest": hex.EncodeToString(made.Digest), "canonical": canonical}, err
}
