import { readFile } from "node:fs/promises";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { isLoopback } from "../client/address.ts";
import { type AdminClient, createAdminClient } from "../client/admin.ts";
import { systemClock } from "../client/clock.ts";
import { type Connection, type ConnectionOptions, openConnection } from "../client/connection.ts";
import type { HoldfastError } from "../client/errors.ts";
import { toHoldfastError } from "../client/wire-error.ts";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { OperatorError } from "../server/operator-error.ts";
import type { CommandIo } from "./commands.ts";
import { printable } from "./table.ts";

export type CallerSettings = Pick<Config, "server" | "apiKey" | "tls" | "tlsCa" | "timeoutMs">;

/** What to do next, by the reason that a server gave. */
export type NextSteps = Readonly<Record<string, string>>;

/**
 * Runs a command's calls against the server of its settings. Resolves to the exit code: the work's own, or 1 after one
 * sentence about what failed and what to do next.
 */
export async function withAdmin(
  settings: CallerSettings,
  io: Pick<CommandIo, "error">,
  work: (admin: AdminClient) => Promise<number>,
  next: NextSteps = {},
): Promise<number> {
  try {
    const connection = await connect(settings);
    try {
      return await work(createAdminClient(within(settings.timeoutMs, connection.transport)));
    } finally {
      connection.close();
    }
  } catch (error) {
    io.error(`holdfast: ${printable(explain(error, settings, next))}\n`);
    return 1;
  }
}

/** Unless a call has a time of its own. */
function within(timeoutMs: number, transport: Transport): Transport {
  return {
    unary: (method, signal, ownTimeoutMs, headers, input, context) =>
      transport.unary(method, signal, ownTimeoutMs ?? timeoutMs, headers, input, context),
    stream: transport.stream,
  };
}

async function connect(settings: CallerSettings): Promise<Connection> {
  const { server, apiKey, tls, tlsCa } = settings;
  if (apiKey !== null && !tls && tlsCa === null && !isLoopback(formatAddress(server))) {
    throw new OperatorError("the API key would cross the network in clear text: add --tls, or --tls-ca");
  }
  const options = await connectionOptions(settings);
  try {
    return openConnection(options, systemClock);
  } catch (error) {
    if (tlsCa === null || !(error instanceof TypeError)) throw error;
    throw new OperatorError(`--tls-ca holds no certificates in PEM that can be used: ${tlsCa}`);
  }
}

async function connectionOptions({ server, apiKey, tls, tlsCa }: CallerSettings): Promise<ConnectionOptions> {
  const options = { address: formatAddress(server), ...(apiKey !== null && { apiKey }) };
  if (tlsCa === null) return tls ? { ...options, tls: true } : options;
  const ca = await readFile(tlsCa).catch((cause: NodeJS.ErrnoException) => {
    throw new OperatorError(`--tls-ca cannot be read (${cause.code}): ${tlsCa}`);
  });
  return { ...options, tls: { ca } };
}

const NEXT: NextSteps = {
  CREDENTIALS_INVALID: "give an API key with --api-key or HOLDFAST_API_KEY",
  ROLE_REQUIRED: "use an API key that has it",
};

function explain(error: unknown, settings: CallerSettings, next: NextSteps): string {
  if (!(error instanceof ConnectError)) return error instanceof Error ? error.message : String(error);
  const failure = toHoldfastError(error);
  if (failure.reason === "") return withoutReason(error, settings);
  const step = next[failure.reason] ?? NEXT[failure.reason] ?? laterStep(failure);
  return `${error.rawMessage} (${failure.reason})${step === undefined ? "" : `; ${step}`}`;
}

function laterStep({ retryAfterMs }: HoldfastError): string | undefined {
  return retryAfterMs === undefined ? undefined : `try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`;
}

/** No word of ours: it was the transport, or something between. */
function withoutReason({ code, rawMessage }: ConnectError, { server, tls, tlsCa, timeoutMs }: CallerSettings): string {
  const address = formatAddress(server);
  const elsewhere = "another server is named with --server or HOLDFAST_SERVER";
  switch (code) {
    case Code.Unavailable:
      return `no answer from ${address}: ${whyUnavailable(rawMessage, tls || tlsCa !== null)}; ${elsewhere}`;
    case Code.DeadlineExceeded:
      return `no answer from ${address} within ${timeoutMs} ms (--timeout); ${elsewhere}`;
    case Code.Unauthenticated:
      return `${address} wants to know who calls: ${NEXT["CREDENTIALS_INVALID"]}`;
    case Code.Unimplemented:
      return `what listens on ${address} has no AdminService of Holdfast; ${elsewhere}`;
    default:
      return `${address} answered ${Code[code]}: ${rawMessage}`;
  }
}

/** The transport's words are long; the commonest causes are said shorter, and as something that can be mended. */
function whyUnavailable(message: string, tls: boolean): string {
  if (/\bECONNREFUSED\b/.test(message)) return "nothing listens there";
  if (/\bENOTFOUND\b|Name resolution failed/.test(message)) return "the host is not known";
  if (/\b(?:SELF_SIGNED|UNABLE_TO_VERIFY|CERT)|certificate/.test(message)) {
    return "its certificate is not trusted; name its authority with --tls-ca";
  }
  return `${message}; ${tls ? "perhaps it does not speak TLS" : "if it speaks TLS, add --tls or --tls-ca"}`;
}
