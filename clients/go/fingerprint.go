package holdfast

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/clients/go/internal/jcs"
)

// Fingerprint is a digest of a call's input, by which a key that is used again for other work is told apart. It is the
// same in every language.
type Fingerprint struct {
	// Algorithm is "sha256" or "jcs-sha256".
	Algorithm string
	Digest    []byte
}

// FingerprintOf hashes []byte as it is, and anything else as its canonical JSON: see [CanonicalJSON].
func FingerprintOf(input any) (Fingerprint, error) {
	if data, is := input.([]byte); is {
		digest := sha256.Sum256(data)
		return Fingerprint{"sha256", digest[:]}, nil
	}
	text, err := CanonicalJSON(input)
	if err != nil {
		return Fingerprint{}, err
	}
	digest := sha256.Sum256(text)
	return Fingerprint{"jcs-sha256", digest[:]}, nil
}

// CanonicalJSON is the RFC 8785 text of what encoding/json makes of a value; a json.RawMessage is read as the JSON text
// that it is, as JavaScript would read it. So a nil slice is null and an empty one is [], and they are two inputs; and a
// time.Time is its text in RFC 3339, which other languages write otherwise: dates are best given as strings.
//
// A *InvalidInputError says that there is none: NaN and infinities, channels and functions, cycles, text that is not
// UTF-8, and whole numbers that no double holds, such as 1<<53 + 1. encoding/json would replace some of that, or another
// language read another number, and then two different inputs would be one. Refused with them is the escape \ufffd in a
// json.RawMessage inside of a value, for it says the same as encoding/json does of what is not UTF-8. Built with
// GOEXPERIMENT=jsonv2, that writes the character U+FFFD itself, so then a value is refused that holds one.
func CanonicalJSON(input any) ([]byte, error) {
	if text, is := input.(json.RawMessage); is {
		return canonical(text, jcs.Options{})
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(input); err != nil {
		return nil, invalidInput(err)
	}
	if replacesByCharacter() && bytes.ContainsRune(text.Bytes(), utf8.RuneError) {
		return nil, invalidInput(errors.New("a text in it is not UTF-8, or holds U+FFFD, and encoding/json does not tell which"))
	}
	return canonical(text.Bytes(), jcs.Options{ExactIntegers: true, NoReplacement: true})
}

// replacesByCharacter asks encoding/json itself, and not a build tag: it is what some version or other of it does.
var replacesByCharacter = sync.OnceValue(func() bool {
	text, err := json.Marshal("\xff")
	return err == nil && string(text) != `"\ufffd"`
})

func canonical(text []byte, options jcs.Options) ([]byte, error) {
	made, err := jcs.Canonical(text, options)
	if err != nil {
		return nil, invalidInput(err)
	}
	return made, nil
}

func invalidInput(cause error) error {
	of := fault(ReasonInvalidInput, "the input has no canonical JSON: %v", cause)
	of.cause = cause
	return &InvalidInputError{of}
}
