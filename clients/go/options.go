package holdfast

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Option says how a client is made; see [Dial].
type Option func(*settings)

type settings struct {
	addresses      []string
	apiKey, token  string
	tokens         TokenSource
	tls            *tls.Config
	allowPlaintext bool
	tenant         string
	owner          Owner
	retry          RetryPolicy
	warn           func(Warning)
	credential     *credential
}

// RetryPolicy says how calls are repeated. Fields that are zero are as by default.
type RetryPolicy struct {
	// TryTimeout is for one try, beyond what the server was asked to wait: when it is over, the answer counts as lost.
	// Default 10 s.
	TryTimeout time.Duration
	// TotalTimeout is for all tries of one call together, such waits not counted: then the last error is returned.
	// Default 60 s.
	TotalTimeout time.Duration
	// BaseDelay: the first delay is a random part of it, the next ones of twice as much each. Default 50 ms.
	BaseDelay time.Duration
	// MaxDelay is what the next ones grow to. Default 5 s.
	MaxDelay time.Duration
}

var defaultRetry = RetryPolicy{
	TryTimeout: 10 * time.Second, TotalTimeout: 60 * time.Second, BaseDelay: 50 * time.Millisecond, MaxDelay: 5 * time.Second,
}

// WithAddresses adds servers on the same database, host:port each; calls go round, and past those that are down.
func WithAddresses(addresses ...string) Option {
	return func(s *settings) { s.addresses = append(s.addresses, addresses...) }
}

// WithAPIKey is sent with every call. It needs TLS, but to this machine.
func WithAPIKey(key string) Option { return func(s *settings) { s.apiKey = key } }

// WithToken sends a JWT instead of an API key.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithTokenSource asks for a JWT before each call, on the call's time, and once more when the server has refused what it
// gave.
func WithTokenSource(source TokenSource) Option { return func(s *settings) { s.tokens = source } }

// WithTLS encrypts. The zero Config checks the server's certificate against the authorities of this machine.
func WithTLS(config *tls.Config) Option { return func(s *settings) { s.tls = config } }

// WithPlaintextCredential sends a credential in clear text also to other machines: something between them encrypts.
func WithPlaintextCredential() Option { return func(s *settings) { s.allowPlaintext = true } }

// WithTenant is whose records are meant. Default: the credential's tenant, or "default" on a server without
// authentication.
func WithTenant(tenant string) Option { return func(s *settings) { s.tenant = tenant } }

// WithOwner is shown to whoever waits or reconciles. An empty instance is this host and process.
func WithOwner(service, instance string) Option {
	return func(s *settings) {
		s.owner.Service = service
		if instance != "" {
			s.owner.Instance = instance
		}
	}
}

// WithRetry repeats calls in another way than by default.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) {
		override := func(to *time.Duration, with time.Duration) {
			if with != 0 {
				*to = with
			}
		}
		override(&s.retry.TryTimeout, policy.TryTimeout)
		override(&s.retry.TotalTimeout, policy.TotalTimeout)
		override(&s.retry.BaseDelay, policy.BaseDelay)
		override(&s.retry.MaxDelay, policy.MaxDelay)
	}
}

// WithWarnings is told what went wrong beside the caller's call. It must neither block nor panic. Default: slog.Warn, for
// the first of each kind and scope.
func WithWarnings(warn func(Warning)) Option { return func(s *settings) { s.warn = warn } }

func (s *settings) check() error {
	if err := errors.Join(
		checkText("tenant", s.tenant, 0, tenantBytesMax),
		checkText("owner.service", s.owner.Service, 0, labelBytesMax),
		checkText("owner.instance", s.owner.Instance, 0, labelBytesMax),
	); err != nil {
		return err
	}
	for _, time := range []time.Duration{s.retry.TryTimeout, s.retry.TotalTimeout, s.retry.BaseDelay, s.retry.MaxDelay} {
		if time < 0 {
			return fieldInvalid("retry", "times above 0")
		}
	}
	for _, address := range s.addresses {
		if address == "" || strings.Contains(address, "://") {
			// Not quoted: there may be a password in it.
			return fieldInvalid("address", "host:port of a server's gRPC port, and not a URL")
		}
	}
	credential, err := s.newCredential()
	if err != nil {
		return err
	}
	s.credential = credential
	if credential != nil && s.tls == nil && !s.allowPlaintext {
		for _, address := range s.addresses {
			if !isLoopback(address) {
				return fault(ReasonFieldInvalid,
					"the credential would cross the network in clear text: use WithTLS, or WithPlaintextCredential if something else encrypts")
			}
		}
	}
	return nil
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}
