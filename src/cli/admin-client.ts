import type { Transport } from "@connectrpc/connect";
import { isLoopback } from "../client/address.ts";
import { type AdminClient, createAdminClient } from "../client/admin.ts";
import { systemClock } from "../client/clock.ts";
import type { Connection } from "../client/connection.ts";
import { openConnection } from "../client/node-connection.ts";
import { formatAddress } from "../server/config/kinds.ts";
import { OperatorError } from "../server/operator-error.ts";
import { inFlags, readCallerTls, wantsTls } from "./caller-tls.ts";
import type { CommandIo } from "./commands.ts";
import { type CallerSettings, explainFailure, type NextSteps } from "./failure.ts";
import { exitOf, interruptible } from "./interruptible.ts";
import { printable } from "./table.ts";

/** What a command needs of its surroundings to call a server. */
export type CallerIo = Pick<CommandIo, "error" | "onEnding">;

/** How calls of records go. */
type Way = "grpc" | "session";

/**
 * Runs a command's calls against the server of its settings. Resolves to the exit code: the work's own, or that of what
 * failed, after one sentence about it and what to do next.
 *
 * The signal that the work is given is aborted when the command is to end before its time; calls end with it.
 */
export async function withConnection(
  settings: CallerSettings,
  io: CallerIo,
  work: (transport: Transport, signal: AbortSignal) => Promise<number>,
  next: NextSteps = {},
  transport: Way = "grpc",
): Promise<number> {
  return interruptible(io, async (signal) => {
    try {
      const connection = await connect(settings, transport);
      try {
        return await work(within(settings.timeoutMs, signal, connection.transport), signal);
      } finally {
        connection.close();
      }
    } catch (error) {
      if (signal.aborted) return exitOf(signal);
      const { sentence, code } = explainFailure(error, settings, next);
      io.error(`holdfast: ${printable(sentence)}\n`);
      return code;
    }
  });
}

/** The same for calls of AdminService. */
export function withAdmin(
  settings: CallerSettings,
  io: CallerIo,
  work: (admin: AdminClient, signal: AbortSignal) => Promise<number>,
  next: NextSteps = {},
): Promise<number> {
  return withConnection(settings, io, (transport, signal) => work(createAdminClient(transport), signal), next);
}

/** Unless a call has a time or a signal of its own. */
function within(timeoutMs: number, signal: AbortSignal, transport: Transport): Transport {
  return {
    unary: (method, ownSignal, ownTimeoutMs, headers, input, context) =>
      transport.unary(method, ownSignal ?? signal, ownTimeoutMs ?? timeoutMs, headers, input, context),
    stream: transport.stream,
  };
}

async function connect(settings: CallerSettings, transport: Way): Promise<Connection> {
  const { server, apiKey } = settings;
  if (apiKey !== null && !wantsTls(settings) && !isLoopback(formatAddress(server))) {
    throw new OperatorError("the API key would cross the network in clear text: add --tls, or --tls-ca");
  }
  const options = {
    ...{ address: formatAddress(server), transport, ...(apiKey !== null && { apiKey }) },
    ...(wantsTls(settings) && { tls: await readCallerTls(settings) }),
  };
  return inFlags(() => openConnection(options, systemClock));
}
