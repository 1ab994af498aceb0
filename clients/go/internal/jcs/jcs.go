// Package jcs writes canonical JSON, RFC 8785.
package jcs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Options say what is refused beyond what no canonical JSON can carry.
type Options struct {
	// ExactIntegers refuses a whole number that no double holds, instead of taking the nearest one.
	ExactIntegers bool
	// NoReplacement refuses the escape \ufffd, by which encoding/json stands for bytes that are not UTF-8.
	NoReplacement bool
}

// Canonical is the canonical form of a JSON text. The text is read as JavaScript's JSON.parse reads it: numbers are the
// nearest double, and of two values of one key the last one counts. What is no JSON, or holds a lone surrogate or a
// number beyond the largest double, is an error that does not quote the text.
func Canonical(text []byte, options Options) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("it is not JSON: there is more behind the value")
	}
	if err := checkEscapes(text, options); err != nil {
		return nil, err
	}
	return appendValue(make([]byte, 0, len(text)), value, options)
}

// encoding/json puts U+FFFD in the place of lone surrogates, and two different texts would become one.
func checkEscapes(text []byte, options Options) error {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		unit := hexUnit(text[i+1:])
		i += 4
		if unit == utf8.RuneError && options.NoReplacement {
			return errors.New("a text in it is not UTF-8")
		}
		if !utf16.IsSurrogate(unit) {
			continue
		}
		rest := text[i+1:]
		if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(unit, hexUnit(rest[2:])) == utf8.RuneError {
			return errors.New("a text in it has a lone surrogate")
		}
		i += 6
	}
	return nil
}

// The text is JSON, so four digits follow.
func hexUnit(digits []byte) rune {
	unit, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(unit)
}

func appendValue(to []byte, value any, options Options) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, value), nil
	case string:
		return appendString(to, value), nil
	case json.Number:
		return appendNumber(to, string(value), options)
	case []any:
		return appendArray(to, value, options)
	case map[string]any:
		return appendObject(to, value, options)
	default:
		panic(fmt.Sprintf("bug: a %T from a JSON text", value))
	}
}

func appendArray(to []byte, elements []any, options Options) ([]byte, error) {
	to = append(to, '[')
	for i, element := range elements {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendValue(to, element, options); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

func appendObject(to []byte, members map[string]any, options Options) ([]byte, error) {
	type name struct {
		text  string
		units []uint16
	}
	names := make([]name, 0, len(members))
	for text := range members {
		names = append(names, name{text, utf16.Encode([]rune(text))})
	}
	// By UTF-16 units, and not by bytes: beyond the basic plane the two orders differ.
	slices.SortFunc(names, func(a, b name) int { return slices.Compare(a.units, b.units) })
	to = append(to, '{')
	for i, name := range names {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, name.text), ':')
		var err error
		if to, err = appendValue(to, members[name.text], options); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

// appendNumber writes a number as ECMAScript does.
func appendNumber(to []byte, literal string, options Options) ([]byte, error) {
	double, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return nil, errors.New("a number in it is beyond the largest double")
	}
	if options.ExactIntegers && !strings.ContainsAny(literal, ".eE") && !isExact(literal, double) {
		return nil, errors.New("a whole number in it is one that no double holds; make it a text")
	}
	if double == 0 {
		return append(to, '0'), nil
	}
	if abs := max(double, -double); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(to, double, 'f', -1, 64), nil
	}
	// Go writes at least two digits of the exponent, ECMAScript as many as there are.
	text := strconv.FormatFloat(double, 'e', -1, 64)
	return append(to, strings.Replace(strings.Replace(text, "e-0", "e-", 1), "e+0", "e+", 1)...), nil
}

// isExact also takes the shortest spelling of a double, which is how encoding/json writes a float64.
func isExact(literal string, double float64) bool {
	return literal == strconv.FormatFloat(double, 'f', 0, 64) || literal == strconv.FormatFloat(double, 'f', -1, 64)
}

const shortEscapes = "\b\t\n\f\r\"\\"

func appendString(to []byte, text string) []byte {
	to = append(to, '"')
	for i := range len(text) {
		char := text[i]
		switch at := strings.IndexByte(shortEscapes, char); {
		case at >= 0:
			to = append(to, '\\', `btnfr"\`[at])
		case char < ' ':
			to = fmt.Appendf(to, `\u%04x`, char)
		default:
			to = append(to, char)
		}
	}
	return append(to, '"')
}
