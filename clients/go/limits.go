package holdfast

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
)

// The server's bounds in bytes of UTF-8. They are checked before sending, because a message over 1.25 MiB is refused by
// the transport, which cannot say why.
const (
	tenantBytesMax     = 63
	scopeBytesMax      = 128
	keyBytesMax        = 512
	labelBytesMax      = 256
	metadataBytesMax   = 4 << 10
	resultBytesMax     = 1 << 20
	checkpointBytesMax = 64 << 10
	errorBytesMax      = 16 << 10
	attemptsMax        = 1000
)

// checkText refuses what is not UTF-8, which protobuf would not carry.
func checkText(field, text string, atLeast, atMost int) error {
	if len(text) >= atLeast && len(text) <= atMost && utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return nil
	}
	return fieldInvalid(field, fmt.Sprintf("%d to %d bytes of UTF-8 without U+0000", atLeast, atMost))
}

func checkMetadata(metadata map[string]string) error {
	size := 0
	for name, value := range metadata {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return fieldInvalid("metadata", "UTF-8")
		}
		size += len(name) + len(value)
	}
	if size > metadataBytesMax {
		return fieldInvalid("metadata", fmt.Sprintf("at most %d bytes, names included", metadataBytesMax))
	}
	return nil
}

func fieldInvalid(field, allowed string) error {
	of := fault(ReasonFieldInvalid, "%s must be %s", field, allowed)
	of.Code, of.Violations = codes.InvalidArgument, []Violation{{Field: field, Description: allowed}}
	return &FieldInvalidError{of}
}

// cutToBytes is the beginning of a text for people that fits, in whole code points.
func cutToBytes(text string, atMost int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= atMost {
		return text
	}
	for atMost > 0 && !utf8.RuneStart(text[atMost]) {
		atMost--
	}
	return text[:atMost]
}
