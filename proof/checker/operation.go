package main

// One call of a history as its client saw it, or a mark that a driver has set. The fields are those of
// proof/history/format.ts, which says what each of them means.
type Operation struct {
	Version  int    `json:"v"`
	Op       string `json:"op"`
	Mark     string `json:"mark"`
	ID       string `json:"id"`
	Client   string `json:"client"`
	CallNs   int64  `json:"call_ns"`
	ReturnNs *int64 `json:"return_ns"`
	FromNs   int64  `json:"from_ns"`
	ToNs     int64  `json:"to_ns"`
	// Of a clock step: the driver has seen to it that no sweeper made a pass that the step could mislead.
	Unswept bool   `json:"unswept"`
	Tenant  string `json:"tenant"`
	Scope   string `json:"scope"`
	Key     string `json:"key"`
	Input   Input  `json:"input"`
	Output  Output `json:"output"`
	// The database's clock at the decision, where the answer tells it.
	ServerTimeUs *int64 `json:"server_time_us"`

	place string
	// What is known of the database's clock at the decision.
	time Span
	// The earliest that it can have been at any try of this call.
	sinceUs int64
	// Steps of the database's clock that had ended before the call was made, and had begun when it was answered.
	stepsBefore, stepsBegun int
	// What this claim was answered in the whole history: its first answer may have been lost, and the second one not.
	grants []grant
	// It was open while a server, the database or a link was disturbed.
	wasDisturbed bool
	// Its token was given out twice; no model allows that.
	reused bool
}

type Input struct {
	ClaimID       string      `json:"claim_id"`
	Fingerprint   string      `json:"fingerprint"`
	LeaseMs       int64       `json:"lease_ms"`
	WaitMs        int64       `json:"wait_ms"`
	Intent        string      `json:"intent"`
	Reuse         string      `json:"reuse"`
	Policy        Policy      `json:"policy"`
	Owner         string      `json:"owner"`
	Token         string      `json:"token"`
	Fence         int64       `json:"fence"`
	Kind          string      `json:"kind"`
	Result        string      `json:"result"`
	Error         string      `json:"error"`
	DelayMs       int64       `json:"delay_ms"`
	Checkpoint    *Checkpoint `json:"checkpoint"`
	ExternalRef   string      `json:"external_ref"`
	IncludeResult bool        `json:"include_result"`
}

type Policy struct {
	Hold           bool  `json:"hold"`
	MaxAttempts    int   `json:"max_attempts"`
	MaxExecutionMs int64 `json:"max_execution_ms"`
	ResultMs       int64 `json:"result_retention_ms"`
	TombstoneMs    int64 `json:"tombstone_retention_ms"`
}

type Checkpoint struct {
	Sequence uint64 `json:"sequence"`
	Digest   string `json:"digest"`
}

type Output struct {
	Kind            string      `json:"kind"`
	Reason          string      `json:"reason"`
	Code            string      `json:"code"`
	State           string      `json:"state"`
	Token           string      `json:"token"`
	Fence           int64       `json:"fence"`
	Attempt         int         `json:"attempt"`
	Owner           string      `json:"owner"`
	StartedUs       int64       `json:"started_us"`
	ExpiresUs       int64       `json:"expires_us"`
	EndedUs         int64       `json:"ended_us"`
	DueUs           int64       `json:"due_us"`
	SinceUs         int64       `json:"since_us"`
	ResultExpiresUs int64       `json:"result_expires_us"`
	ForgottenUs     int64       `json:"forgotten_us"`
	WaitedUs        int64       `json:"waited_us"`
	Result          string      `json:"result"`
	Error           string      `json:"error"`
	Checkpoint      *Checkpoint `json:"checkpoint"`
	AlreadyApplied  bool        `json:"already_applied"`
	Late            bool        `json:"late"`
	Reconciling     bool        `json:"reconciling"`
	GaveUpNs        int64       `json:"gave_up_ns"`
}

// A lease that a claim was answered with.
type grant struct {
	token string
	fence int64
}

// When its caller was told something, or was no longer waiting.
func (o *Operation) gaveUpNs() int64 {
	if o.ReturnNs != nil {
		return *o.ReturnNs
	}
	return max(o.CallNs, o.Output.GaveUpNs)
}

func (o *Operation) isUnknown() bool { return o.ReturnNs == nil || o.Output.Kind == "unknown" }

// A read that was not answered tells nothing, and a snapshot of a wait may be older than its call by design.
func (o *Operation) isJudged() bool {
	switch o.Op {
	case "claim", "heartbeat", "complete", "fail":
		return o.isUnknown() || o.Output.Kind != "refused" || judgedRefusals[o.Output.Reason]
	case "get_record", "wait_for":
		return !o.isUnknown() && (o.Output.Kind != "refused" || judgedRefusals[o.Output.Reason]) && o.Output.Kind != "finish"
	}
	return false
}

// Refusals that say what the record is in. Every other one (quota, drain, a field) has no effect, and its caller learns
// nothing of the record.
var judgedRefusals = map[string]bool{
	"FINGERPRINT_MISMATCH": true, "RECORD_EXISTS": true, "CLAIM_ENDED": true, "INVALID_STATE": true,
	"RECORD_NOT_FOUND": true, "LEASE_SUPERSEDED": true, "LEASE_TOKEN_INVALID": true, "RESULT_CONFLICT": true,
}

// What ends an attempt, as one word: equal words are the same call.
func (o *Operation) endContent() string {
	if o.Op == "complete" {
		return "complete|" + o.Input.Result + "|0"
	}
	return endContent(o.Input.Kind, o.Input.Error, o.Input.DelayMs)
}
