package holdfast_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/clients/go"
)

// unloaded panics when it is encoded.
type unloaded struct{ amount *int }

func (u unloaded) MarshalJSON() ([]byte, error) { return json.Marshal(*u.amount) }

type panickingCodec struct{}

func (panickingCodec) ContentType() string          { return "application/x-none" }
func (panickingCodec) Encode(any) ([]byte, error)   { panic("no encoder") }
func (panickingCodec) Decode(_ []byte, _ any) error { return nil }

type misnamedCodec struct{ panickingCodec }

func (misnamedCodec) ContentType() string        { return strings.Repeat("x", 257) }
func (misnamedCodec) Encode(any) ([]byte, error) { return nil, nil }

func TestOnceNeverRunsTheWorkAgainWhoseResultCannotBeEncoded(t *testing.T) {
	ctx, client := serverClient(t)
	for name, of := range map[string]struct {
		codec holdfast.Codec
		cause string
	}{
		"a MarshalJSON that panics":    {nil, "nil pointer dereference"},
		"a codec that panics":          {panickingCodec{}, "no encoder"},
		"a codec with too long a name": {misnamedCodec{}, "the codec's content type must be"},
	} {
		t.Run(name, func(t *testing.T) {
			work := named(t)
			work.Codec = of.codec
			_, err := holdfast.Once(ctx, client, work, returning(unloaded{}))
			own := wants[*holdfast.ResultUnavailableError](t, err)
			if own.Replayed || own.Value != (unloaded{}) || own.Why != "omitted" || !strings.Contains(fmt.Sprint(errors.Unwrap(own)), of.cause) {
				t.Errorf("%+v, %v", own, errors.Unwrap(own))
			}
			_, err = holdfast.Once(ctx, client, work, failing(errors.New("ran again")))
			if !wants[*holdfast.ResultUnavailableError](t, err).Replayed {
				t.Error(err)
			}
		})
	}
}

func TestOnceTakesANilFailureForAnErrorWithoutAWord(t *testing.T) {
	ctx, client := serverClient(t)
	var none *holdfast.Failure
	for name, err := range map[string]error{"itself": none, "wrapped": fmt.Errorf("charge: %w", none)} {
		t.Run(name, func(t *testing.T) {
			work := named(t)
			_, told := holdfast.Once(ctx, client, work, failing(err))
			if told != err || !strings.Contains(told.Error(), "nil *holdfast.Failure") {
				t.Errorf("%v", told)
			}
			next, err := holdfast.Once(ctx, client, work, returning(1))
			if err != nil || next.Attempt != 2 || next.Reason != "retry" {
				t.Errorf("%+v, %v", next, err)
			}
		})
	}
}
