package holdfast

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

func TestResultsAreReadBackAsTheyWereStored(t *testing.T) {
	result, err := encodeResult(map[string]string{"a": "<&>"}, nil)
	if err != nil || string(result.GetInline()) != `{"a":"<&>"}` || result.ContentType != jsonType {
		t.Errorf("%v, %v", result, err)
	}
	var typed struct{ A string }
	if err := decodeResult(result, nil, &typed); err != nil || typed.A != "<&>" {
		t.Errorf("%+v, %v", typed, err)
	}
	nothing, _ := encodeResult(Nothing{}, nil)
	value := any(5)
	if err := decodeResult(nothing, nil, &value); err != nil || value != 5 || len(nothing.GetInline()) != 0 {
		t.Errorf("%v, %v", nothing, err)
	}
	if err := decodeResult(result, nil, &Nothing{}); err != nil {
		t.Error(err)
	}
	for _, of := range []struct {
		result *pb.Result
		why    string
	}{
		{nil, "omitted"},
		{omittedResult("too large"), "omitted"},
		{&pb.Result{Body: &pb.Result_Reference{}}, "reference"},
		{&pb.Result{ContentType: jsonType, Body: &pb.Result_Inline{Inline: []byte("{")}}, "unreadable"},
		{&pb.Result{ContentType: bytesType, Body: &pb.Result_Inline{Inline: []byte("7")}}, "unreadable"},
		{&pb.Result{ContentType: "image/png", Body: &pb.Result_Inline{Inline: []byte("7")}}, "unreadable"},
	} {
		var number int
		err := decodeResult(of.result, nil, &number)
		if unavailable, is := errors.AsType[*ResultUnavailableError](err); !is || unavailable.Why != of.why {
			t.Errorf("%v: %v", of.result, err)
		}
	}
}

// bigEndian is a codec of a user.
type bigEndian struct{}

func (bigEndian) ContentType() string { return "application/x-number" }

func (bigEndian) Encode(value any) ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, value.(uint64)), nil
}

func (bigEndian) Decode(data []byte, to any) error {
	*to.(*uint64) = binary.BigEndian.Uint64(data)
	return nil
}

func TestACodecReadsWhatItWroteAndNothingElse(t *testing.T) {
	var value uint64
	result, err := encodeResult(uint64(7), bigEndian{})
	if err != nil || decodeResult(result, bigEndian{}, &value) != nil || value != 7 {
		t.Errorf("%d, %v", value, err)
	}
	plain, _ := encodeResult(8, nil)
	if err := decodeResult(plain, bigEndian{}, &value); err != nil || value != 8 {
		t.Errorf("%d, %v", value, err)
	}
}

func TestTextsForPeopleAreCutAtAWholeCharacter(t *testing.T) {
	if err := quick.Check(func(text string, size uint8) bool {
		cut := cutToBytes(text, int(size))
		rest, isBeginning := strings.CutPrefix(strings.ToValidUTF8(text, "\uFFFD"), cut)
		return isBeginning && utf8.ValidString(cut) && len(cut) <= int(size) && (rest == "" || len(cut) > int(size)-4)
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestCanonicalNumbersAreReadAsTheSameNumbers(t *testing.T) {
	if err := quick.Check(func(bits uint64) bool {
		number := math.Float64frombits(bits)
		text, err := CanonicalJSON(number)
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return err != nil
		}
		var read float64
		return err == nil && json.Unmarshal(text, &read) == nil && read == number
	}, &quick.Config{MaxCount: 10_000}); err != nil {
		t.Error(err)
	}
}
