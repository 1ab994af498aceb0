import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { type ChannelCredentials, type ChannelOptions, Client, connectivityState, credentials } from "@grpc/grpc-js";
import { isLoopback } from "./address.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { ClosableTransport } from "./closable-transport.ts";
import { callStream, callUnary, type GrpcCallOptions } from "./grpc-call.ts";
import { toMetadata } from "./grpc-metadata.ts";
import { createRound } from "./round.ts";
import { ROUTE_WANTED } from "./route.ts";
import { carry } from "./session/carry.ts";
import { createSessions, type Sessions } from "./session/sessions.ts";
import { openStream } from "./session/stream.ts";
import { createSilence } from "./silence.ts";
import { addressIn, SERVER_NAME } from "./tls-credentials.ts";

export interface GrpcTransportOptions {
  /** host:port of each server; calls go round. */
  readonly addresses: readonly [string, ...string[]];
  /** Default: clear text. */
  readonly credentials?: ChannelCredentials;
  /** The name that the servers' certificates must hold. Default: the host of each address. */
  readonly serverName?: string;
  /**
   * True: Claim, Heartbeat, Complete and Fail go together on one stream per address, if the server takes one. Those that
   * do not fit in go on their own, as all of them do without it.
   */
  readonly sessions?: boolean;
  /** Of sessions. */
  readonly clock?: Clock;
}

export type GrpcTransport = ClosableTransport;

const CHANNEL_OPTIONS: ChannelOptions = {
  // A connection whose other end is gone without a word is found within 40 s instead of never.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // grpc-js begins at 1 s and goes up to 120 s: a server that restarts would be missed for longer than a lease.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.service_config_disable_resolution": 1,
  // Connections of the global pool stay open for up to 10 s after close().
  "grpc.use_local_subchannel_pool": 1,
};

/**
 * connect's Transport over grpc-js, whose client does twice as many calls a second as connect-node's gRPC transport on
 * the same core. One connection per address; addresses that cannot be reached are passed over while another one can.
 */
export function createGrpcTransport(options: GrpcTransportOptions): GrpcTransport {
  const { addresses, credentials: security = credentials.createInsecure(), serverName, clock = systemClock } = options;
  const lines = addresses.map((address): Line => {
    const client = new Client(address, security, channelOptions(address, serverName ?? addressIn(address)));
    return { address, client, sessions: options.sessions === true ? sessionsOf(client, clock) : null };
  });
  const silence = createSilence();
  const round = createRound(lines, isDown);

  const callAlone = async <I extends DescMessage, O extends DescMessage>(
    { client, address }: Line,
    method: DescMethodUnary<I, O>,
    options: GrpcCallOptions,
    request: MessageShape<I>,
  ): Promise<UnaryResponse<I, O>> => await silence.watch(address, () => callUnary(client, method, options, request));

  return {
    async unary(method, signal, timeoutMs, headers, input, context) {
      const line = round.pick(context);
      const { address, sessions } = line;
      const options = { signal, timeoutMs, headers };
      const request = create(method.input, input);
      if (sessions === null) return await callAlone(line, method, options, request);
      const deps = {
        ...{ sessions, clock, onAnswer: () => silence.heard(address) },
        explain: (error: unknown) => silence.explain(address, error),
      };
      const isBehind = context?.get(ROUTE_WANTED) === address;
      const elsewhere = async (left: typeof request, leftMs: number) =>
        await callAlone(round.pick(context), method, { ...options, timeoutMs: leftMs }, left);
      const carried = carry(deps, method, options, request, isBehind, elsewhere);
      return await (carried ?? callAlone(line, method, options, request));
    },

    async stream(method, signal, timeoutMs, headers, input, context) {
      if (method.methodKind !== "server_streaming") {
        throw new ConnectError("this transport streams from the server only", Code.Unimplemented);
      }
      const request = await first(input);
      const { client, address } = round.pick(context);
      const options = { signal, timeoutMs, headers };
      const response = callStream(client, method, options, create(method.input, request));
      return { ...response, message: silence.watchStream(address, response.message) };
    },

    close() {
      round.close();
      // Each of them, whatever another one throws: an open connection would keep the process alive.
      runAllBackwards(lines.flatMap(({ client, sessions }) => [() => client.close(), () => sessions?.close()]));
    },
  };
}

interface Line {
  readonly address: string;
  readonly client: Client;
  readonly sessions: Sessions | null;
}

function sessionsOf(client: Client, clock: Clock): Sessions {
  const open = (authorization: string, events: Parameters<typeof openStream>[2]) =>
    openStream(client, toMetadata(authorization === "" ? undefined : { authorization }), events);
  return createSessions({ open, clock, random: Math.random });
}

function channelOptions(address: string, serverName: string | null): ChannelOptions {
  return {
    ...CHANNEL_OPTIONS,
    // The proxy of the environment would take the call to its own machine, and read what is in it.
    ...(isLoopback(address) && { "grpc.enable_http_proxy": 0 }),
    ...(serverName !== null && { [SERVER_NAME]: serverName }),
  };
}

function isDown({ client, sessions }: Line): boolean {
  if (sessions?.isDraining() === true) return true;
  return client.getChannel().getConnectivityState(false) === connectivityState.TRANSIENT_FAILURE;
}

async function first<I extends DescMessage>(input: AsyncIterable<MessageInitShape<I>>): Promise<MessageInitShape<I>> {
  for await (const message of input) return message;
  throw new ConnectError("a server stream needs a request", Code.Internal);
}

/** All of them, whatever another one throws. A DisposableStack does it so, but Node 22 has none. */
function runAllBackwards(steps: readonly (() => void)[]): void {
  const errors = steps.toReversed().flatMap((step) => {
    try {
      step();
      return [];
    } catch (error) {
      return [error];
    }
  });
  if (errors.length > 0) throw new AggregateError(errors, "a connection did not close");
}
