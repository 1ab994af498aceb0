package holdfast

import (
	"fmt"
	"strings"

	pb "github.com/holdfast-dev/holdfast/clients/go/gen/holdfast/v1"
)

// encodeResult says what to store for a value that the work returned, and why it could not be encoded.
//
// A value that cannot be stored ends the record all the same, with the reason in its place: the work is done, and that is
// what must not be lost. A failure would have it done again, and an unknown outcome would ask somebody to find out what
// is known.
func encodeResult(value any, codec Codec) (*pb.Result, error) {
	data, contentType, err := encodeValue(value, codec)
	if panicked, is := err.(*encodingPanic); is {
		return omittedResult(fmt.Sprintf("the result cannot be encoded: a panic with a %T", panicked.with)), err
	}
	if err != nil {
		// Without the error's text: it is the caller's, and may quote the value.
		return omittedResult(fmt.Sprintf("the result cannot be encoded: %T", err)), err
	}
	if len(data) > resultBytesMax {
		return omittedResult(fmt.Sprintf("the result has %d bytes, and %d is the limit", len(data), resultBytesMax)), nil
	}
	if data == nil {
		data = []byte{}
	}
	return &pb.Result{ContentType: contentType, Body: &pb.Result_Inline{Inline: data}}, nil
}

// encodeValue also returns what a Codec or a MarshalJSON panics with, as an error: the work is done by then.
func encodeValue(value any, codec Codec) (data []byte, contentType string, err error) {
	defer func() {
		if with := recover(); with != nil {
			err = &encodingPanic{with}
		}
	}()
	if codec == nil {
		return encodeContent(value)
	}
	if data, err = codec.Encode(value); err != nil {
		return nil, "", err
	}
	contentType = codec.ContentType()
	return data, contentType, checkText("the codec's content type", contentType, 0, labelBytesMax)
}

type encodingPanic struct{ with any }

func (p *encodingPanic) Error() string { return fmt.Sprintf("encoding it panicked: %v", p.with) }

func (p *encodingPanic) Unwrap() error {
	err, _ := p.with.(error)
	return err
}

func omittedResult(reason string) *pb.Result {
	text := cutToBytes(strings.ToValidUTF8(reason, "\uFFFD"), labelBytesMax)
	return &pb.Result{Body: &pb.Result_OmittedReason{OmittedReason: text}}
}

// decodeResult reads a stored result into what to points to, or returns a *ResultUnavailableError.
func decodeResult(result *pb.Result, codec Codec, to any) error {
	unavailable := func(why, text string, cause error) error {
		of := fault(ReasonResultUnavailable, "%s", text)
		of.cause = cause
		return &ResultUnavailableError{base: of, Why: why, Result: result, Replayed: true}
	}
	switch body := result.GetBody().(type) {
	case *pb.Result_Inline:
		if err := decodeValue(body.Inline, result.GetContentType(), codec, to); err != nil {
			return unavailable("unreadable", "the stored result cannot be decoded", err)
		}
		return nil
	case *pb.Result_Reference:
		return unavailable("reference", "the result is kept elsewhere", nil)
	case *pb.Result_OmittedReason:
		return unavailable("omitted", "the result is not stored: "+body.OmittedReason, nil)
	default:
		return unavailable("omitted", "the result is not stored: it was not sent", nil)
	}
}

func decodeValue(data []byte, contentType string, codec Codec, to any) error {
	if codec != nil && codec.ContentType() == contentType {
		return codec.Decode(data, to)
	}
	return decodeContent(data, contentType, to)
}
