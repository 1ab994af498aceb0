package holdfast

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/clients/go/internal/testserver"
	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// vectors of conformance/vectors; left out where there are none.
func vectors[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := testserver.Vectors(name)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, testserver.ErrNone) {
		t.Skipf("left out: there is no conformance/vectors/%s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	var entries []T
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestFingerprintsAreThoseOfTheVectors(t *testing.T) {
	type entry struct {
		Name, Canonical, Algorithm, Digest string
		JSON, Base64                       *string
		Refused                            bool
	}
	for _, of := range vectors[entry](t, "fingerprints.json") {
		var input any
		if of.JSON != nil {
			input = json.RawMessage(*of.JSON)
			text, _ := CanonicalJSON(input)
			if string(text) != of.Canonical {
				t.Errorf("%s: %s", of.Name, text)
			}
		} else if of.Base64 != nil {
			input, _ = base64.StdEncoding.DecodeString(*of.Base64)
		}
		made, err := FingerprintOf(input)
		_, isRefused := errors.AsType[*InvalidInputError](err)
		if isRefused != of.Refused || made.Algorithm != of.Algorithm || hex.EncodeToString(made.Digest) != of.Digest {
			t.Errorf("%s: %+v, %v", of.Name, made, err)
		}
	}
}

func TestKeysForProvidersAreThoseOfTheVectors(t *testing.T) {
	type entry struct{ Tenant, Scope, Key, Provider, Derived, UUID string }
	for _, of := range vectors[entry](t, "keys.json") {
		key := ProviderKeyOf(of.Tenant, of.Scope, of.Key, of.Provider)
		if key.String() != of.Derived || key.UUID() != of.UUID {
			t.Errorf("%+v: %s, %s", of, key, key.UUID())
		}
	}
}

type wireEntry struct {
	Name              string
	Code              codes.Code
	Reason            Reason
	RetryAfterMs      *int64
	Violations        []Violation
	Again             string
	LeastDelayMs      int64
	Error, Lease, Why string
}

func (of wireEntry) err(t *testing.T) error {
	var details []protoadapt.MessageV1
	if of.Reason != "" {
		details = append(details, &errdetails.ErrorInfo{Reason: string(of.Reason), Domain: wire.Domain})
	}
	if of.RetryAfterMs != nil {
		delay := durationpb.New(time.Duration(*of.RetryAfterMs) * time.Millisecond)
		details = append(details, &errdetails.RetryInfo{RetryDelay: delay})
	}
	bad := &errdetails.BadRequest{}
	for _, each := range of.Violations {
		bad.FieldViolations = append(bad.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: each.Field, Description: each.Description})
	}
	answer, err := status.New(of.Code, "as a server would answer").WithDetails(append(details, bad)...)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Err()
}

func TestCallsAreRepeatedAsTheVectorsSay(t *testing.T) {
	for _, of := range vectors[wireEntry](t, "retries.json") {
		said := wire.Describe(of.err(t))
		delay, again := said.Delay()
		word := "never"
		if again {
			word = "while-time-lasts"
		} else if said.IsWorthOneMore() {
			word = "once"
		}
		if word != of.Again || delay.Milliseconds() != of.LeastDelayMs {
			t.Errorf("%s: %s, %v", of.Name, word, delay)
		}
	}
}

func TestErrorsAreThoseOfTheVectors(t *testing.T) {
	for _, vector := range vectors[wireEntry](t, "errors.json") {
		known := ErrorOf(vector.err(t))
		of, is := errors.AsType[*Error](known)
		if !is || of.Reason != vector.Reason || of.Code != vector.Code || len(of.Violations) != len(vector.Violations) {
			t.Errorf("%s: %#v", vector.Name, known)
			continue
		}
		if (of.RetryAfter == nil) != (vector.RetryAfterMs == nil) || !errors.Is(known, vector.Reason) {
			t.Errorf("%s: %#v", vector.Name, known)
		}
		_, isTransport := known.(*TransportError)
		if isTransport != (vector.Error == "Transport") || (known == error(of)) != (vector.Error == "Holdfast") {
			t.Errorf("%s: %T", vector.Name, known)
		}
		lost, isLost := errors.AsType[*LeaseLostError](LeaseErrorOf(vector.err(t)))
		if isLost != (vector.Lease == "LeaseLost") || isLost && lost.Why != vector.Why {
			t.Errorf("%s: %#v", vector.Name, lost)
		}
	}
}

type marshalsAsText string

func (m marshalsAsText) MarshalJSON() ([]byte, error) { return json.Marshal(string(m)) }

func TestInputsOfGoAreRefusedThatWouldBeOthersInCanonicalJSON(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	for name, input := range map[string]any{
		"a whole number that no double holds": uint64(1<<53 + 1),
		"the same below zero, deep inside":    map[string]any{"a": []int64{-1<<53 - 1}},
		"text that is not UTF-8":              "\xff",
		"a key that is not UTF-8":             map[string]int{"\xff": 1},
		"not UTF-8, by a MarshalJSON":         marshalsAsText("\xff"),
		"a channel":                           make(chan int),
		"a cycle":                             cycle,
		"a lone surrogate in a message":       map[string]any{"a": json.RawMessage(`"\ud800"`)},
	} {
		_, err := FingerprintOf(input)
		if _, is := errors.AsType[*InvalidInputError](err); !is {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, input := range map[string]any{
		`9007199254740992`:    int64(1 << 53),
		`1152921504606847000`: float64(1 << 60),
		`{"<&>":"\ufffd😀"}`:   map[string]string{"<&>": "\ufffd😀"},
		`{"id":"x","n":[1,0.1,0]}`: struct {
			N  []float64 `json:"n"`
			ID string    `json:"id"`
		}{[]float64{1, 0.1, 0}, "x"},
		`null`: nil,
	} {
		made, err := CanonicalJSON(input)
		if replacesByCharacter() && strings.Contains(text, "ufffd") {
			if _, is := errors.AsType[*InvalidInputError](err); !is {
				t.Errorf("U+FFFD, where it may stand for what is not UTF-8: %s, %v", made, err)
			}
			continue
		}
		want := map[string]string{`{"<&>":"\ufffd😀"}`: "{\"<&>\":\"\ufffd😀\"}"}[text]
		if want == "" {
			want = text
		}
		if err != nil || string(made) != want {
			t.Errorf("%s: %s, %v", text, made, err)
		}
	}
}
