import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Target } from "./target.ts";

/** What became of a GET. A reason holds nothing of the address asked and nothing of the answer but its status. */
export type Fetched =
  /** The status is 2xx. */
  | { readonly kind: "ok"; readonly status: number; readonly body: Uint8Array }
  /** It will not be otherwise the next time. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It may be otherwise the next time: time-outs, the network, 5xx. */
  | { readonly kind: "uncertain"; readonly reason: string };

export interface RequestDeps {
  /** Checked. The connection is made to one of them. */
  readonly addresses: readonly string[];
  /** PEM of the authorities that are trusted; undefined: those that Node trusts. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

const BODY_BYTES_MAX = 256 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;

/** More than these are not tried within the time of one fetch. */
const ADDRESSES_MAX = 8;

const TOO_LARGE: Fetched = { kind: "refused", reason: "the answer is larger than 256 KiB" };

/** One GET, without redirects, credentials, cookies and proxies. Never rejects. */
export async function request(target: Target, { addresses, ca, signal }: RequestDeps): Promise<Fetched> {
  const options = {
    // Its own agent, so that no proxy of the environment and no connection or session of another fetch is used.
    agent: new (target.secure ? https : http).Agent({ keepAlive: false }),
    host: target.host,
    port: target.port,
    path: target.path,
    headers: { host: target.authority, "user-agent": "holdfast", accept: "*/*", "accept-encoding": "identity" },
    lookup: lookupAmong(addresses.slice(0, ADDRESSES_MAX)),
    autoSelectFamily: true,
    maxHeaderSize: HEADER_BYTES_MAX,
    signal,
  };
  const sent = target.secure
    ? https.request({
        ...options,
        ...(ca === undefined ? {} : { ca }),
        rejectUnauthorized: true,
        minVersion: "TLSv1.2",
      })
    : http.request(options);
  try {
    return await answerOf(sent);
  } catch (error) {
    return failureOf(error);
  } finally {
    sent.destroy();
  }
}

/** The name is not looked up again: a second answer could differ from the one that was checked. */
function lookupAmong(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, _options, callback) => callback(null, found);
}

async function answerOf(sent: http.ClientRequest): Promise<Fetched> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    // Stays: a connection that is given up later may still report an error.
    sent.on("error", reject);
    // Without an error: after a switch to a protocol that was not asked for.
    sent.once("close", () => reject(new Error("closed without an answer")));
    sent.end();
  });
  const status = response.statusCode ?? 0;
  if (status >= 500) return { kind: "uncertain", reason: `the address answered ${status}` };
  if (status >= 400) return { kind: "refused", reason: `the address answered ${status}` };
  if (status >= 300) return { kind: "refused", reason: "the address redirects, which is not followed" };
  if (status < 200) return { kind: "uncertain", reason: "the connection failed" };
  // Nothing is ever unpacked, so a small answer is never a large one.
  if (!/^(identity)?$/i.test(response.headers["content-encoding"] ?? "")) {
    return { kind: "refused", reason: "the answer is compressed, which was not asked for" };
  }
  if (Number(response.headers["content-length"] ?? 0) > BODY_BYTES_MAX) return TOO_LARGE;
  const body = await bodyOf(response);
  return body === null ? TOO_LARGE : { kind: "ok", status, body };
}

/** Into one buffer, for a body that comes byte by byte would cost a hundred times its size in pieces. */
async function bodyOf(response: IncomingMessage): Promise<Uint8Array | null> {
  const body = Buffer.allocUnsafe(BODY_BYTES_MAX);
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > BODY_BYTES_MAX) return null;
    bytes += chunk.copy(body, bytes);
  }
  return new Uint8Array(body.subarray(0, bytes));
}

const CERTIFICATE_ERROR = /CERT|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

/**
 * A certificate that is not trusted is no answer of whoever was asked: anybody on the way could present one. So it is
 * uncertain, and disables nobody.
 */
function failureOf(error: unknown): Fetched {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "HPE_HEADER_OVERFLOW") return TOO_LARGE;
  if (CERTIFICATE_ERROR.test(code)) return { kind: "uncertain", reason: "the certificate is not trusted" };
  return { kind: "uncertain", reason: "the connection failed" };
}
