package holdfast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Nothing is what work returns that returns nothing. It is stored as no bytes at all, which no JSON text is; and whoever
// asks for it takes any result.
type Nothing = struct{}

// Codec turns the values of one kind of work into bytes and back. Also what the work itself returned goes through both:
// everybody gets the same. Without one, bytes stay bytes and everything else becomes JSON.
type Codec interface {
	// ContentType is up to 256 bytes; only stored bytes of this very type are decoded with the codec.
	ContentType() string
	Encode(value any) ([]byte, error)
	// Decode reads the bytes into what to points to. It must not keep them.
	Decode(data []byte, to any) error
}

const (
	jsonType  = "application/json"
	bytesType = "application/octet-stream"
)

// encodeContent follows encoding/json, but leaves <, > and & as they are.
func encodeContent(value any) (data []byte, contentType string, err error) {
	switch value := value.(type) {
	case []byte:
		return slices.Clone(value), bytesType, nil
	case Nothing:
		return nil, jsonType, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, "", err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), jsonType, nil
}

// decodeContent makes fresh values: those of a message share its memory.
func decodeContent(data []byte, contentType string, to any) error {
	if _, is := to.(*Nothing); is {
		return nil
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if media == jsonType || strings.HasSuffix(media, "+json") {
		if len(data) == 0 {
			return nil
		}
		return json.Unmarshal(data, to)
	}
	if media != bytesType && media != "" {
		return fmt.Errorf("no codec for content of type %q", contentType)
	}
	switch to := to.(type) {
	case *[]byte:
		*to = slices.Clone(data)
	case *any:
		*to = slices.Clone(data)
	default:
		return fmt.Errorf("bytes cannot be read into a %T", to)
	}
	return nil
}
