import * as grpc from "@grpc/grpc-js";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { ECHO_PATH, ECHO_SESSION_PATH } from "../echo.ts";
import { connectLean } from "./http2.ts";
import { openLeanSession } from "./session.ts";

/** Unary calls by the lean client, or by grpc-js, as most applications in Node make them; or one stream. */
export type Transport = "unary" | "grpc-js" | "session";

/** Whoever makes calls of encoded messages. A call rejects when the server answers with an error. */
export interface Caller extends AsyncDisposable {
  claim(request: Uint8Array): Promise<Buffer>;
  complete(request: Uint8Array): Promise<Buffer>;
}

export const pathOf = (method: "Claim" | "Complete" | "WaitFor" | "Session") =>
  `/${IdempotencyService.typeName}/${method}`;

interface Paths {
  readonly claim: string;
  readonly complete: string;
  readonly session: string;
}

const PATHS: Paths = { claim: pathOf("Claim"), complete: pathOf("Complete"), session: pathOf("Session") };
/** Echoes where others claim and complete. */
const ECHO_PATHS: Paths = { claim: ECHO_PATH, complete: ECHO_PATH, session: ECHO_SESSION_PATH };

/** What one connection carries at a time, with room for a few more. */
const CALLS_MAX = 900;
/** So many connections carry unary calls at least, as if several clients had come. */
const CONNECTIONS_MIN = 4;

/** @param calls how many there may be at a time */
export function openCaller(transport: Transport, addresses: readonly string[], calls: number): Promise<Caller> {
  return open(transport, addresses, calls, PATHS);
}

export function openEcho(transport: Transport, addresses: readonly string[], calls: number): Promise<Caller> {
  return open(transport, addresses, calls, ECHO_PATHS);
}

function open(transport: Transport, addresses: readonly string[], calls: number, paths: Paths): Promise<Caller> {
  if (transport === "session") return openSessions(addresses, calls, paths);
  return openUnary(addresses, calls, paths, transport === "unary" ? connectExplaining : connectGrpcJs);
}

/** What unary calls are made over. */
interface Connection {
  unary(path: string, message: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}

async function openUnary(
  addresses: readonly string[],
  calls: number,
  paths: Paths,
  connect: (address: string) => Promise<Connection>,
): Promise<Caller> {
  const each = Math.max(Math.min(CONNECTIONS_MIN, calls), Math.ceil(calls / CALLS_MAX / addresses.length));
  const opening = Array.from({ length: each }, () => addresses.map(connect)).flat();
  const connections = takingTurns(await Promise.all(opening));
  return {
    claim: (request) => connections.next().unary(paths.claim, request),
    complete: (request) => connections.next().unary(paths.complete, request),
    [Symbol.asyncDispose]: connections.close,
  };
}

/** The lean client, which does not read what an error says: the call is made once more by grpc-js, which does. */
async function connectExplaining(address: string): Promise<Connection> {
  const lean = await connectLean(address);
  const explain = async (path: string, message: Uint8Array, error: unknown): Promise<never> => {
    const talkative = await connectGrpcJs(address);
    await talkative.unary(path, message).finally(talkative.close);
    throw error;
  };
  return {
    unary: (path, message) => lean.unary(path, message).catch((error) => explain(path, message, error)),
    close: lean.close,
  };
}

/** It neither encodes nor decodes: what grpc-js itself takes is most of what a call costs there. */
async function connectGrpcJs(address: string): Promise<Connection> {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const same = (bytes: Buffer) => bytes;
  return {
    unary: (path, message) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, Buffer.from(message), (error, answer) =>
          error === null && answer !== undefined ? resolve(answer) : reject(error),
        );
      }),
    async close() {
      client.close();
    },
  };
}

/** A session on a connection of its own for each address, and more of them when one cannot carry so many calls. */
async function openSessions(addresses: readonly string[], calls: number, { session }: Paths): Promise<Caller> {
  const sessions = await Promise.all(addresses.map((address) => openLeanSession(address, session)));
  const carried = Math.min(...sessions.map(({ callsMax }) => callsMax));
  for (let i = 0; sessions.length * carried < calls; i++) {
    sessions.push(await openLeanSession(addresses[i % addresses.length] ?? "", session));
  }
  const turns = takingTurns(sessions);
  return {
    claim: (request) => turns.next().call("claim", request),
    complete: (request) => turns.next().call("complete", request),
    [Symbol.asyncDispose]: turns.close,
  };
}

export function takingTurns<T extends { close(): Promise<void> }>(all: readonly T[]) {
  let turn = 0;
  return {
    next(): T {
      const one = all[turn++ % all.length];
      if (one === undefined) throw new Error("bug: nothing to take turns");
      return one;
    },
    async close() {
      await Promise.all(all.map((one) => one.close()));
    },
  };
}
