package holdfast

import (
	"fmt"
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// waitMemory is what the reader of a wait has been told of one target, over however many streams.
//
// A stream begins with what is, and behind the snapshot it tells that a lease has run out, or that a due time has come. Of
// a stream that takes the place of another one that is a repetition, unless it says otherwise than what is known.
type waitMemory struct {
	target     Target
	index      int
	codec      Codec
	known      *known
	lastChange string
	hasEnded   bool
}

// known is what a snapshot would say, as far as it follows from what was told. What is left out of has is not known.
type known struct {
	state      string
	attempt    int
	lease      string
	progress   string
	checkpoint string
	has        map[string]bool
}

var everything = map[string]bool{"attempt": true, "lease": true, "progress": true, "checkpoint": true}

// take is what there is to tell of a message; nil when the reader knows it, or there is nothing.
func (m *waitMemory) take(message *pb.WaitForResponse) (*Event, error) {
	event, err := eventOf(message, m.codec)
	if err != nil || event == nil {
		return nil, err
	}
	event.Target, event.Index = m.target, m.index
	before := m.known
	m.known = knownAfter(before, event)
	m.hasEnded = m.hasEnded || event.Kind == EventEnded
	if event.Kind == EventSnapshot && before != nil && !isNews(before, event.Record) {
		return nil, nil
	}
	change := changeText(event)
	isRepeated := change != "" && change == m.lastChange
	m.lastChange = change
	if isRepeated {
		return nil, nil
	}
	return event, nil
}

func isNews(before *known, record *Record) bool {
	// The end comes next, and says it all.
	if record != nil && !record.EndTime.IsZero() {
		return false
	}
	seen := knownBy(record)
	return before.state != seen.state ||
		before.has["attempt"] && before.attempt != seen.attempt ||
		before.has["lease"] && before.lease != seen.lease ||
		before.has["progress"] && before.progress != seen.progress ||
		before.has["checkpoint"] && before.checkpoint != seen.checkpoint
}

func knownAfter(before *known, event *Event) *known {
	switch event.Kind {
	case EventSnapshot:
		return knownBy(event.Record)
	case EventProgress:
		after := before.with("progress")
		after.progress = progressText(event.Progress)
		return after
	case EventCheckpoint:
		after := before.with("checkpoint")
		after.checkpoint = checkpointText(event.Checkpoint)
		return after
	case EventLeaseChanged:
		// The same lease has only run out; another one leaves nothing as it was but the checkpoint.
		after := before.with("attempt")
		if event.Lease.Kind != "lapsed" {
			after = before.onlyCheckpoint()
		}
		after.state, after.attempt = stateAfter[event.Lease.Kind], event.Lease.Attempt
		return after
	case EventOutcomeUnknown:
		after := before.onlyCheckpoint()
		after.state, after.attempt = "outcome-unknown", event.Evidence.Attempt
		return after
	default:
		return &known{state: "completed"}
	}
}

var stateAfter = map[string]string{
	"lapsed":          "in-progress",
	"taken-over":      "in-progress",
	"released":        "available",
	"retry-scheduled": "available",
	"unspecified":     "unspecified",
}

// with is a copy in which a field is known, of a record that is in progress if nothing was known.
func (k *known) with(field string) *known {
	after := known{state: "in-progress"}
	if k != nil {
		after = *k
	}
	has := map[string]bool{field: true}
	for each := range after.has {
		has[each] = true
	}
	after.has = has
	return &after
}

func (k *known) onlyCheckpoint() *known {
	after := &known{has: map[string]bool{"attempt": true}}
	if k != nil && k.has["checkpoint"] {
		after.has["checkpoint"], after.checkpoint = true, k.checkpoint
	}
	return after
}

func knownBy(record *Record) *known {
	if record == nil {
		return &known{state: "absent"}
	}
	return &known{
		state:      record.State,
		attempt:    record.Attempt,
		lease:      fmt.Sprintf("%d %v %s", record.Fence, record.Reconciling, record.ExternalRef),
		progress:   progressText(record.Progress),
		checkpoint: checkpointText(record.Checkpoint),
		has:        everything,
	}
}

func progressText(progress *Progress) string {
	if progress == nil {
		return ""
	}
	return fmt.Sprintf("%v %s", progress.Fraction, progress.Message)
}

// checkpointText: after a reset the same sequence is another checkpoint.
func checkpointText(checkpoint *Checkpoint) string {
	if checkpoint == nil {
		return ""
	}
	return fmt.Sprintf("%d %v", checkpoint.Sequence, checkpoint.RecordTime.Format(time.RFC3339Nano))
}

// changeText is what the server may tell again of the same lease; empty for what it tells once.
func changeText(event *Event) string {
	switch event.Kind {
	case EventLeaseChanged:
		return fmt.Sprintf("%s %d %v", event.Lease.Kind, event.Lease.Attempt, event.Lease.DueTime)
	case EventOutcomeUnknown:
		return fmt.Sprintf("unknown %d %v", event.Evidence.Attempt, event.Evidence.Since)
	default:
		return ""
	}
}
