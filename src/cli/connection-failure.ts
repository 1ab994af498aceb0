/** A connection that did not come about, and how it was tried. */
export interface FailedConnection {
  /** What the transport said, in words of its own. */
  readonly message: string;
  readonly speaks: "gRPC" | "HTTP";
  /** The host that was called. */
  readonly host: string;
  readonly secure: boolean;
  /** Whether the authorities of --tls-ca were asked, and not those of Node. */
  readonly hasAuthorities: boolean;
  /** How another server is named, as the end of a sentence. */
  readonly elsewhere: string;
}

/**
 * What is probably wrong, and what to do next. Of the transport's own words no more than a code is repeated: they name
 * lines of OpenSSL's source, end in a line break and do not say which flag to change.
 */
export function explainConnection(failed: FailedConnection): string {
  const { message, secure, elsewhere } = failed;
  const cause = CAUSES.find(
    ({ says, over }) => says.test(message) && (over === undefined || (over === "tls") === secure),
  );
  if (cause !== undefined) return cause.explain(failed);
  const code = /\bE[A-Z]{3,}\b/.exec(message)?.[0];
  return `the connection failed${code === undefined ? "" : ` (${code})`}; ${elsewhere}`;
}

interface Cause {
  readonly says: RegExp;
  /** Default: either. */
  readonly over?: "tls" | "clear";
  explain(failed: FailedConnection): string;
}

const CLIENT_CERTIFICATE = "a client certificate that it accepts is given with --client-cert and --client-key";

/** The words of grpc-js, Node and OpenSSL; the first that fits counts. */
const CAUSES: readonly Cause[] = [
  { says: /\bECONNREFUSED\b/, explain: ({ elsewhere }) => `nothing listens there; ${elsewhere}` },
  {
    says: /\b(?:ENOTFOUND|EAI_AGAIN)\b|Name resolution failed/,
    explain: ({ elsewhere }) => `the host is not known; ${elsewhere}`,
  },
  {
    // RFC 8446, section 6.2: what a server says of the client's certificate, 116 if there is none.
    says: /SSL alert number (?:42|43|44|45|46|48|116)\b/,
    over: "tls",
    explain: () => `it does not let in callers without a certificate of its authorities: ${CLIENT_CERTIFICATE}`,
  },
  {
    says: /SSL alert number 120\b/,
    over: "tls",
    explain: ({ speaks, elsewhere }) =>
      `it speaks TLS, but not ${speaks}: perhaps it is ${otherPort(speaks)}; ${elsewhere}`,
  },
  {
    says: /ALTNAME_INVALID|does not match certificate's altnames/,
    explain: ({ host, elsewhere }) =>
      `its certificate does not hold the name ${host}; ${elsewhere}, by a name that it holds`,
  },
  {
    says: /certificate has expired|certificate is not yet valid|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    explain: () => "its certificate is out of date; give the server a new one, or set the clock of this machine right",
  },
  {
    says: /\b(?:SELF_SIGNED|UNABLE_TO|CERT_)|self-signed|certificate/,
    over: "tls",
    explain: ({ hasAuthorities }) =>
      hasAuthorities
        ? "its certificate is of none of the authorities of --tls-ca; name its own with --tls-ca"
        : "its certificate is not trusted; name its authority with --tls-ca",
  },
  {
    says: /wrong version number|packet length too long|record layer failure|unexpected message|\bEPROTO\b/,
    over: "tls",
    explain: () =>
      "it does not speak TLS; leave out what asks for it: --tls, --tls-ca and --client-cert, or their variables",
  },
  {
    says: /Protocol error|Parse Error|HPE_/,
    explain: ({ speaks, elsewhere }) => `it does not speak ${speaks}: perhaps it is ${otherPort(speaks)}; ${elsewhere}`,
  },
  {
    says: /Failed to connect|socket hang up|disconnected|closed|\b(?:ECONNRESET|EPIPE)\b/,
    explain: ({ secure }) =>
      secure
        ? `it has closed the connection: perhaps it wants to see another certificate, or none; ${CLIENT_CERTIFICATE}`
        : "it has closed the connection: probably it speaks TLS; name its authority with --tls-ca, or add --tls if Node knows it",
  },
];

function otherPort(speaks: FailedConnection["speaks"]): string {
  return speaks === "gRPC"
    ? "the HTTP port of a server, and gRPC has another"
    : "the gRPC port of a server, and HTTP has another";
}
