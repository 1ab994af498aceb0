package holdfast

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"
)

func TestDialRefusesOptionsThatCannotBe(t *testing.T) {
	for name, of := range map[string]struct {
		address string
		options []Option
		says    string
	}{
		"no address":                    {"", nil, "host:port"},
		"a URL":                         {"http://user:secret@host:7400", nil, "host:port"},
		"two credentials":               {"localhost:1", []Option{WithAPIKey("a"), WithToken("b")}, "one of"},
		"a credential with white space": {"localhost:1", []Option{WithToken("a secret")}, "visible ASCII"},
		"a credential in clear text":    {"10.0.0.1:7400", []Option{WithAPIKey("secret")}, "WithTLS"},
		"the same to one of several":    {"localhost:1", []Option{WithAddresses("10.0.0.1:1"), WithToken("secret")}, "WithTLS"},
		"a tenant that is too long":     {"localhost:1", []Option{WithTenant(strings.Repeat("t", 64))}, "0 to 63 bytes"},
		"a time below 0":                {"localhost:1", []Option{WithRetry(RetryPolicy{TryTimeout: -time.Second})}, "above 0"},
	} {
		client, err := Dial(of.address, of.options...)
		if client != nil || err == nil || !strings.Contains(err.Error(), of.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, options := range map[string][]Option{
		"encrypted":                {WithAPIKey("a"), WithTLS(&tls.Config{})},
		"encrypted by others":      {WithAPIKey("a"), WithPlaintextCredential()},
		"no credential to be seen": {},
	} {
		client, err := Dial("10.0.0.1:7400", options...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		client.Close()
	}
}
