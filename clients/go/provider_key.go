package holdfast

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// ProviderKey is an idempotency key for somebody else, who keeps keys as this server does: the same in every attempt of a
// record, on every server and in every language, and another one for each provider, so that none of them learns what
// another was told. It does not depend on the claim: a record that was purged and claimed anew is the same work to the
// provider.
type ProviderKey [sha256.Size]byte

// ProviderKeyOf derives the key of a record whose tenant is known; the work itself has [Attempt.KeyFor]. How it is derived
// is for every client to repeat: conformance/README.md.
func ProviderKeyOf(tenant, scope, key, provider string) ProviderKey {
	seed := sha256.New()
	for _, text := range []string{"holdfast.v1.key", tenant, scope, key} {
		// With its length in front of each text: "ab", "c" and "a", "bc" are two records.
		seed.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		seed.Write([]byte(text))
	}
	mac := hmac.New(sha256.New, seed.Sum(nil))
	mac.Write([]byte(provider))
	return ProviderKey(mac.Sum(nil))
}

// String is 43 characters of base64url.
func (k ProviderKey) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// UUID is a UUID of version 8, for a provider that takes nothing else.
func (k ProviderKey) UUID() string {
	k[6] = k[6]&0x0f | 0x80
	k[8] = k[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[:4], k[4:6], k[6:8], k[8:10], k[10:16])
}
