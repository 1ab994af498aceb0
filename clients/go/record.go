package holdfast

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// Owner is who works on a record; for people.
type Owner struct {
	Service, Instance string
}

// Progress is how far the holder is, as it says itself.
type Progress struct {
	// Fraction is from 0 to 1.
	Fraction float64
	Message  string
}

// Checkpoint is what an attempt left for the next one.
type Checkpoint struct {
	Name     string
	Sequence uint64
	// Data is as it is stored; see Decode.
	Data        []byte
	ContentType string
	RecordTime  time.Time
}

// Decode reads what was given to [Attempt.Checkpoint] into what to points to.
func (c *Checkpoint) Decode(to any) error { return decodeContent(c.Data, c.ContentType, to) }

// Record is a record at an instant. Times are of the database's clock; those that its state does not have are zero.
type Record struct {
	// State is "in-progress", "available", "completed", "failed", "outcome-unknown" or "expired".
	State string
	// Attempt is the newest counted one, from 1; 0 when there was none.
	Attempt int
	Fence   int64
	Owner   Owner
	// ExternalRef is what the holder noted about the outside world.
	ExternalRef string
	Metadata    map[string]string
	Checkpoint  *Checkpoint
	Progress    *Progress
	// Reconciling is set when the lease is a reconciler's.
	Reconciling      bool
	CreateTime       time.Time
	AttemptStartTime time.Time
	// LeaseExpireTime is set while in progress. When it is past, the lease has run out, and the record can be claimed.
	LeaseExpireTime time.Time
	// DueTime is set while available: from when the record can be claimed.
	DueTime time.Time
	// EndTime is set once ended, as the next two.
	EndTime             time.Time
	ResultExpireTime    time.Time
	TombstoneExpireTime time.Time
}

func recordOf(record *pb.Record) *Record {
	if record == nil {
		return nil
	}
	return &Record{
		State:               wordOf(stateWords, record.GetState()),
		Attempt:             int(record.GetAttempt()),
		Fence:               record.GetFence(),
		Owner:               ownerOf(record.GetOwner()),
		ExternalRef:         record.GetExternalRef(),
		Metadata:            record.GetMetadata(),
		Checkpoint:          checkpointOf(record.GetCheckpoint()),
		Progress:            progressOf(record.GetProgress()),
		Reconciling:         record.GetReconciling(),
		CreateTime:          timeOf(record.GetCreateTime()),
		AttemptStartTime:    timeOf(record.GetAttemptStartTime()),
		LeaseExpireTime:     timeOf(record.GetLeaseExpireTime()),
		DueTime:             timeOf(record.GetDueTime()),
		EndTime:             timeOf(record.GetEndTime()),
		ResultExpireTime:    timeOf(record.GetResultExpireTime()),
		TombstoneExpireTime: timeOf(record.GetTombstoneExpireTime()),
	}
}

func ownerOf(owner *pb.Owner) Owner {
	return Owner{Service: owner.GetService(), Instance: owner.GetInstance()}
}

func progressOf(progress *pb.Progress) *Progress {
	if progress == nil {
		return nil
	}
	return &Progress{Fraction: progress.GetFraction(), Message: progress.GetMessage()}
}

func checkpointOf(checkpoint *pb.Checkpoint) *Checkpoint {
	if checkpoint == nil {
		return nil
	}
	return &Checkpoint{
		Name:        checkpoint.GetName(),
		Sequence:    checkpoint.GetSequence(),
		Data:        checkpoint.GetData(),
		ContentType: checkpoint.GetContentType(),
		RecordTime:  timeOf(checkpoint.GetRecordTime()),
	}
}

func timeOf(stamp *timestamppb.Timestamp) time.Time {
	if stamp == nil {
		return time.Time{}
	}
	return stamp.AsTime()
}

var stateWords = map[pb.RecordState]string{
	pb.RecordState_RECORD_STATE_IN_PROGRESS:     "in-progress",
	pb.RecordState_RECORD_STATE_AVAILABLE:       "available",
	pb.RecordState_RECORD_STATE_COMPLETED:       "completed",
	pb.RecordState_RECORD_STATE_FAILED:          "failed",
	pb.RecordState_RECORD_STATE_OUTCOME_UNKNOWN: "outcome-unknown",
	pb.RecordState_RECORD_STATE_EXPIRED:         "expired",
}
