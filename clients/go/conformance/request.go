package main

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/holdfast-dev/holdfast/clients/go"
)

// request has the fields of all operations; those of one have no two meanings.
type request struct {
	ID     int    `json:"id"`
	Op     string `json:"op"`
	Call   int    `json:"call"`
	Client string `json:"client"`

	Tenant   string `json:"tenant"`
	Scope    string `json:"scope"`
	Key      string `json:"key"`
	Provider string `json:"provider"`

	JSON   *string `json:"json"`
	Base64 *string `json:"base64"`
	answer

	Addresses      []string `json:"addresses"`
	APIKey         string   `json:"apiKey"`
	Service        string   `json:"service"`
	TryTimeoutMs   float64  `json:"tryTimeoutMs"`
	TotalTimeoutMs float64  `json:"totalTimeoutMs"`

	Input                string   `json:"input"`
	LeaseMs              float64  `json:"leaseMs"`
	OnLeaseExpiry        string   `json:"onLeaseExpiry"`
	MaxAttempts          int      `json:"maxAttempts"`
	ResultRetentionMs    float64  `json:"resultRetentionMs"`
	TombstoneRetentionMs *float64 `json:"tombstoneRetentionMs"`
	Reuse                string   `json:"reuse"`
	TimeoutMs            float64  `json:"timeoutMs"`
	Targets              []target `json:"targets"`
	MustExist            bool     `json:"mustExist"`

	Do       string  `json:"do"`
	Value    *string `json:"value"`
	Kind     string  `json:"kind"`
	Message  string  `json:"message"`
	DelayMs  float64 `json:"delayMs"`
	Data     string  `json:"data"`
	Name     string  `json:"name"`
	Fraction float64 `json:"fraction"`
	Ref      string  `json:"ref"`
	Verdict  string  `json:"verdict"`
}

type target struct {
	Scope string `json:"scope"`
	Key   string `json:"key"`
}

// answer is that of a server, as the vectors have it.
type answer struct {
	Code         int                  `json:"code"`
	Reason       string               `json:"reason"`
	RetryAfterMs *float64             `json:"retryAfterMs"`
	Violations   []holdfast.Violation `json:"violations"`
	Lease        bool                 `json:"lease"`
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// given is what a request carries: a JSON text, bytes, or nothing.
func (r request) given() (any, error) {
	switch {
	case r.Base64 != nil:
		return base64.StdEncoding.DecodeString(*r.Base64)
	case r.Value != nil:
		return parse(*r.Value)
	default:
		return holdfast.Nothing{}, nil
	}
}

func parse(text string) (any, error) {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, named{"InvalidInput", err.Error()}
	}
	return value, nil
}

// told is what a caller has got, as the protocol tells it.
func told(value any) (object, error) {
	if data, is := value.([]byte); is {
		return object{"value": nil, "base64": base64.StdEncoding.EncodeToString(data)}, nil
	}
	text, err := holdfast.CanonicalJSON(value)
	return object{"value": string(text)}, err
}

// checkpointText is null when there is none.
func checkpointText(checkpoint *holdfast.Checkpoint) any {
	if checkpoint == nil {
		return nil
	}
	var data any
	if checkpoint.Decode(&data) != nil {
		return nil
	}
	shown, err := told(data)
	if err != nil {
		return nil
	}
	return shown["value"]
}
