package holdfast

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/clients/go/internal/wire"
)

// TokenSource gives a JWT, and keeps it for as long as it is good. It must mind the context. When it fails, the call is
// tried again.
type TokenSource func(ctx context.Context) (string, error)

// credential is nil when there is none. None of its errors quotes it.
type credential struct {
	fixed string
	fetch TokenSource
}

func (s *settings) newCredential() (*credential, error) {
	given := 0
	for _, is := range []bool{s.apiKey != "", s.token != "", s.tokens != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return nil, fault(ReasonFieldInvalid, "a client has one of WithAPIKey, WithToken and WithTokenSource")
	case given == 0:
		return nil, nil
	case s.tokens != nil:
		return &credential{fetch: s.tokens}, nil
	}
	name, fixed := "the token", s.token
	if s.apiKey != "" {
		name, fixed = "the API key", s.apiKey
	}
	if !isSendable(fixed) {
		return nil, fieldInvalid(name, sendable)
	}
	return &credential{fixed: fixed}, nil
}

// authorize is the context with the credential, and what the credential is.
func (c *credential) authorize(ctx context.Context) (context.Context, string, error) {
	if c == nil {
		return ctx, "", nil
	}
	text := c.fixed
	if c.fetch != nil {
		fetched, err := c.fetch(ctx)
		if err != nil {
			// Whoever issues tokens may be back soon, so the call is tried again as after any other lost connection.
			return nil, "", noToken(codes.Unavailable, "the token could not be fetched")
		}
		if !isSendable(fetched) {
			return nil, "", noToken(codes.Unauthenticated, "the token that was fetched must be "+sendable)
		}
		text = fetched
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+text), text, nil
}

// isWorthAnother tells whether another token may be taken where one was refused; it may have expired on the way.
func (c *credential) isWorthAnother(err error) bool {
	return c != nil && c.fetch != nil && err != nil && wire.Describe(err).Reason == string(ReasonCredentialsInvalid)
}

// Servers take 16 KiB of headers in all.
const credentialBytesMax = 12 << 10

var sendable = fmt.Sprintf("1 to %d visible ASCII characters", credentialBytesMax)

func isSendable(text string) bool {
	for i := range len(text) {
		if text[i] < '!' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= credentialBytesMax
}

func noToken(code codes.Code, message string) error {
	info := &errdetails.ErrorInfo{Reason: string(ReasonTokenUnavailable), Domain: wire.Domain}
	answer, err := status.New(code, message).WithDetails(info)
	if err != nil {
		return status.Error(code, message)
	}
	return answer.Err()
}
