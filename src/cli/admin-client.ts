import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { isLoopback } from "../client/address.ts";
import { type AdminClient, createAdminClient } from "../client/admin.ts";
import { systemClock } from "../client/clock.ts";
import { type Connection, openConnection } from "../client/connection.ts";
import type { HoldfastError } from "../client/errors.ts";
import { toHoldfastError } from "../client/wire-error.ts";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { OperatorError } from "../server/operator-error.ts";
import { type CallerTlsSettings, inFlags, readCallerTls, wantsTls } from "./caller-tls.ts";
import type { CommandIo } from "./commands.ts";
import { explainConnection, type FailedConnection } from "./connection-failure.ts";
import { printable } from "./table.ts";

export type CallerSettings = CallerTlsSettings & Pick<Config, "server" | "apiKey" | "timeoutMs">;

/** What to do next, by the reason that a server gave; and what to say instead of the server's own sentence. */
export type NextSteps = Readonly<Record<string, string | { readonly sentence: string; readonly step: string }>>;

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
  const { server, apiKey } = settings;
  if (apiKey !== null && !wantsTls(settings) && !isLoopback(formatAddress(server))) {
    throw new OperatorError("the API key would cross the network in clear text: add --tls, or --tls-ca");
  }
  const options = {
    ...{ address: formatAddress(server), ...(apiKey !== null && { apiKey }) },
    ...(wantsTls(settings) && { tls: await readCallerTls(settings) }),
  };
  return inFlags(() => openConnection(options, systemClock));
}

const NEXT = {
  CREDENTIALS_INVALID: "give an API key with --api-key or HOLDFAST_API_KEY",
  ROLE_REQUIRED: "use an API key that has it",
} satisfies NextSteps;

function explain(error: unknown, settings: CallerSettings, next: NextSteps): string {
  if (!(error instanceof ConnectError)) return error instanceof Error ? error.message : String(error);
  const failure = toHoldfastError(error);
  if (failure.reason === "") return withoutReason(error, settings);
  const { reason } = failure;
  const known = next[reason] ?? (NEXT as NextSteps)[reason] ?? laterStep(failure);
  const { sentence, step } = typeof known === "object" ? known : { sentence: error.rawMessage, step: known };
  return `${sentence} (${reason})${step === undefined ? "" : `; ${step}`}`;
}

function laterStep({ retryAfterMs }: HoldfastError): string | undefined {
  return retryAfterMs === undefined ? undefined : `try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`;
}

/** No word of ours: it was the transport, or something between. */
function withoutReason({ code, rawMessage }: ConnectError, settings: CallerSettings): string {
  const address = formatAddress(settings.server);
  const elsewhere = "another server is named with --server or HOLDFAST_SERVER";
  switch (code) {
    case Code.Unavailable:
      return `no answer from ${address}: ${explainConnection({ ...triedBy(settings), message: rawMessage, elsewhere })}`;
    case Code.DeadlineExceeded:
      return `no answer from ${address} within ${settings.timeoutMs} ms (--timeout); ${elsewhere}`;
    case Code.Unauthenticated:
      return `${address} wants to know who calls: ${NEXT.CREDENTIALS_INVALID}`;
    case Code.Unimplemented:
      return `what listens on ${address} has no AdminService of Holdfast; ${elsewhere}`;
    default:
      return `${address} answered ${Code[code]}: ${rawMessage}`;
  }
}

function triedBy(settings: CallerSettings): Omit<FailedConnection, "message" | "elsewhere"> {
  const { server, tlsCa } = settings;
  return { speaks: "gRPC", host: server.host, secure: wantsTls(settings), hasAuthorities: tlsCa !== null };
}
