package main

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/holdfast-dev/holdfast/clients/go"
)

// play lets the runner do a call's work, and returns when the runner has it return.
func (d *driver) play(call int, step func(request) (object, error), event object, done <-chan struct{}) {
	d.mu.Lock()
	d.playing[call] = step
	d.mu.Unlock()
	d.write(event)
	<-done
	d.mu.Lock()
	delete(d.playing, call)
	d.mu.Unlock()
}

func (d *driver) once(ctx context.Context, client *holdfast.Client, r request) (object, error) {
	work := holdfast.Work{
		Scope: r.Scope, Key: r.Key, Input: json.RawMessage(r.Input),
		Lease: millis(r.LeaseMs), MaxAttempts: r.MaxAttempts, ResultRetention: millis(r.ResultRetentionMs),
		Timeout: millis(r.TimeoutMs), Reuse: reuses[r.Reuse],
	}
	if r.OnLeaseExpiry == "hold" {
		work.OnLeaseExpiry = holdfast.Hold
	}
	if r.TombstoneRetentionMs != nil {
		work.TombstoneRetention = millis(*r.TombstoneRetentionMs)
		if work.TombstoneRetention == 0 {
			work.TombstoneRetention = holdfast.NoTombstone
		}
	}
	done, err := holdfast.Once(ctx, client, work, func(ctx context.Context, a *holdfast.Attempt) (any, error) {
		played := newPlayedWork(ctx, a)
		d.play(r.ID, played.step, object{
			"event": "work", "call": r.ID, "attempt": a.Number(), "fence": strconv.FormatInt(a.Fence(), 10),
			"reason": a.Reason(), "checkpoint": checkpointText(a.LastCheckpoint()),
		}, played.done)
		return played.value, played.err
	})
	if err != nil {
		return nil, err
	}
	shown, err := told(done.Value)
	if err != nil {
		return nil, err
	}
	shown["replayed"], shown["attempt"] = done.Replayed, done.Attempt
	return shown, nil
}

var reuses = map[string]holdfast.Reuse{
	"replay-all": holdfast.ReplayAll, "retry-failed": holdfast.RetryFailed, "reject": holdfast.Reject,
}

func (r request) waiting() []holdfast.WaitOption {
	options := []holdfast.WaitOption{holdfast.WaitTimeout(millis(r.TimeoutMs))}
	if r.MustExist {
		options = append(options, holdfast.MustExist())
	}
	return options
}

func (d *driver) waitFor(ctx context.Context, client *holdfast.Client, r request) (object, error) {
	var targets holdfast.Targets
	for _, each := range r.Targets {
		targets = append(targets, holdfast.Target{Scope: each.Scope, Key: each.Key})
	}
	for event, err := range client.WaitFor(ctx, targets, r.waiting()...) {
		if err != nil {
			return nil, err
		}
		shown := object{
			"event": "wait", "call": r.ID, "index": event.Index, "state": nil, "end": nil, "value": nil,
		}
		maps.Copy(shown, showEvent(event))
		d.write(shown)
	}
	return object{}, nil
}

func showEvent(event holdfast.Event) object {
	switch event.Kind {
	case holdfast.EventSnapshot:
		state := "absent"
		if event.Record != nil {
			state = event.Record.State
		}
		return object{"kind": "state", "state": state}
	case holdfast.EventOutcomeUnknown:
		return object{"kind": "state", "state": "outcome-unknown"}
	case holdfast.EventProgress:
		return object{"kind": "progress", "fraction": event.Progress.Fraction, "message": event.Progress.Message}
	case holdfast.EventCheckpoint:
		return object{"kind": "checkpoint", "value": checkpointText(event.Checkpoint)}
	case holdfast.EventLeaseChanged:
		return object{"kind": "lease", "change": event.Lease.Kind, "attempt": event.Lease.Attempt}
	default:
		shown := object{"kind": "ended", "end": event.End.Kind}
		var value any
		err := event.End.Decode(&value)
		if err == nil {
			var of object
			if of, err = told(value); err == nil {
				maps.Copy(shown, of)
			}
		}
		if err != nil {
			shown["error"] = describe(err)
		}
		return shown
	}
}

func (d *driver) reconcile(ctx context.Context, client *holdfast.Client, r request) (object, error) {
	of := holdfast.Investigation{Scope: r.Scope, Key: r.Key, Lease: millis(r.LeaseMs)}
	found, err := holdfast.Reconcile(ctx, client, of,
		func(_ context.Context, suspect *holdfast.Suspect) (holdfast.Verdict[any], error) {
			played := newPlayedJudge()
			d.play(r.ID, played.step, object{
				"event": "judge", "call": r.ID, "externalRef": suspect.ExternalRef,
				"checkpoint": checkpointText(suspect.LastCheckpoint),
			}, played.done)
			return played.verdict, nil
		})
	if err != nil {
		return nil, err
	}
	shown := object{"kind": found.Kind, "value": nil}
	if found.Kind == "superseded" {
		shown["kind"] = "contended"
	}
	if found.Kind == "completed" {
		value, err := told(found.Value)
		if err != nil {
			return nil, err
		}
		maps.Copy(shown, value)
	}
	return shown, nil
}
