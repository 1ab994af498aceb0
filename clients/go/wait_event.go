package holdfast

import (
	"time"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Target is a record to wait for. With an Input or a Fingerprint, a record of other work is a [*FingerprintMismatchError].
type Target struct {
	Scope, Key string
	// Tenant is by default the client's.
	Tenant string
	// Input is what the work is done from, as it is given to [Once].
	Input any
	// Fingerprint is that of the input, for who does not have it. Not together with Input.
	Fingerprint *Fingerprint
}

// Targets are 1 to 100 records.
type Targets []Target

// EventKind is what an [Event] tells.
type EventKind string

const (
	// EventSnapshot is the record as it is when the wait begins; again when the stream was renewed and the record had
	// changed meanwhile. Record is nil when there is no such record yet.
	EventSnapshot EventKind = "snapshot"
	// EventProgress has Progress: the holder said how far it is.
	EventProgress EventKind = "progress"
	// EventCheckpoint has Checkpoint: the holder stored one.
	EventCheckpoint EventKind = "checkpoint"
	// EventLeaseChanged has Lease.
	EventLeaseChanged EventKind = "lease-changed"
	// EventOutcomeUnknown has Evidence: nobody knows whether the work was done. Not the end: a reconciler, or the attempt
	// itself, may yet say.
	EventOutcomeUnknown EventKind = "outcome-unknown"
	// EventEnded has End: nothing more is told of this target.
	EventEnded EventKind = "ended"
)

// Event is something that is told of a record; its Kind says which fields are set.
type Event struct {
	Kind EventKind
	// Target is as it was given, and Index its place among the targets, from 0.
	Target     Target
	Index      int
	Record     *Record
	Progress   *Progress
	Checkpoint *Checkpoint
	Lease      *LeaseChange
	Evidence   *Evidence
	End        *End
}

// LeaseChange is what became of a lease.
type LeaseChange struct {
	// Kind is "lapsed": the lease ran out, and nobody has taken over yet; "taken-over": another attempt has begun;
	// "released": the record can be claimed; "retry-scheduled": from DueTime on.
	Kind string
	// Attempt is the one that it concerns.
	Attempt int
	Owner   Owner
	DueTime time.Time
}

// End is how a record has ended.
type End struct {
	// Kind is "completed", "failed" or "expired".
	Kind string
	// Attempt is the one that did it; 0 when expired.
	Attempt int
	EndTime time.Time
	// Err is a *FailedError or an *ExpiredError, and nil when completed. A FailedError has no Status without results.
	Err error

	result *pb.Result
	codec  Codec
}

// Decode reads the result of a completed record into what to points to. Its error is Err, or a *ResultUnavailableError.
func (e *End) Decode(to any) error {
	if e.Err != nil {
		return e.Err
	}
	return decodeResult(e.result, e.codec, to)
}

// eventOf is what there is to tell of a message; nil when there is nothing.
func eventOf(message *pb.WaitForResponse, codec Codec) (*Event, error) {
	switch of := message.GetEvent().(type) {
	case *pb.WaitForResponse_Snapshot:
		return &Event{Kind: EventSnapshot, Record: recordOf(of.Snapshot.GetRecord())}, nil
	case *pb.WaitForResponse_Progress:
		return &Event{Kind: EventProgress, Progress: progressOf(of.Progress)}, nil
	case *pb.WaitForResponse_Checkpoint:
		return &Event{Kind: EventCheckpoint, Checkpoint: checkpointOf(of.Checkpoint)}, nil
	case *pb.WaitForResponse_LeaseChanged:
		return &Event{Kind: EventLeaseChanged, Lease: &LeaseChange{
			Kind:    wordOf(changeWords, of.LeaseChanged.GetKind()),
			Attempt: int(of.LeaseChanged.GetAttempt()),
			Owner:   ownerOf(of.LeaseChanged.GetOwner()),
			DueTime: timeOf(of.LeaseChanged.GetDueTime()),
		}}, nil
	case *pb.WaitForResponse_OutcomeUnknown:
		evidence := evidenceOf(of.OutcomeUnknown)
		return &Event{Kind: EventOutcomeUnknown, Evidence: &evidence}, nil
	case *pb.WaitForResponse_Ended:
		end, err := endOf(of.Ended, codec)
		return &Event{Kind: EventEnded, End: end}, err
	default:
		return nil, nil
	}
}

func endOf(ended *pb.Ended, codec Codec) (*End, error) {
	switch detail := ended.GetDetail().(type) {
	case *pb.Ended_Completed:
		return &End{
			Kind:    "completed",
			Attempt: int(detail.Completed.GetAttempt()),
			EndTime: timeOf(detail.Completed.GetEndTime()),
			result:  detail.Completed.GetResult(),
			codec:   codec,
		}, nil
	case *pb.Ended_Failed:
		failed := failedError(detail.Failed)
		return &End{Kind: "failed", Attempt: failed.Attempt, EndTime: failed.EndTime, Err: failed}, nil
	case *pb.Ended_Expired:
		expired := expiredError(detail.Expired)
		return &End{Kind: "expired", EndTime: expired.EndTime, Err: expired}, nil
	default:
		return nil, fault(ReasonAnswerIncomplete, "the server told an end without saying which")
	}
}

var changeWords = map[pb.LeaseChanged_Kind]string{
	pb.LeaseChanged_KIND_LAPSED:          "lapsed",
	pb.LeaseChanged_KIND_TAKEN_OVER:      "taken-over",
	pb.LeaseChanged_KIND_RELEASED:        "released",
	pb.LeaseChanged_KIND_RETRY_SCHEDULED: "retry-scheduled",
}
