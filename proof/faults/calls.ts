import { randomUUID } from "node:crypto";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type ClaimResponse,
  IdempotencyService,
  type LeaseHandle,
  type Result,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import type { Rpc } from "../../src/client/runtime.ts";
import { millis } from "../history/load/wire.ts";
import type { Recorder } from "../history/recorder.ts";
import type { StandServer } from "./stand/stand.ts";

/** Clients of a row's own, beside those of the load. Leaving the scope closes their connections. */
export interface Callers extends Disposable {
  /** Of this server, on a connection of its own; each of its calls is recorded. */
  open(server: StandServer, options?: CallerChoice): Rpc;
}

export interface CallerChoice {
  /** Claims and ends go together on one stream. */
  readonly session?: boolean;
  /** What is between the recorder and the connection. */
  readonly beneath?: (transport: Transport) => Transport;
}

export function openCallers(recorder: Recorder, row: string): Callers {
  const opened = new DisposableStack();
  let count = 0;
  return {
    open(server, { session = false, beneath = (transport: Transport) => transport } = {}) {
      const transport = createGrpcTransport({ addresses: [server.address], sessions: session });
      opened.defer(() => transport.close());
      const client = `${row}-${++count}`;
      return createClient(IdempotencyService, recorder.wrap(beneath(transport), { client, server: server.address }));
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/** Longer than any wait: nothing but the server ends a call. */
export const LONG = { timeoutMs: 120_000 };

export interface Key {
  /** Absent: the default one. */
  readonly tenant?: string;
  readonly scope: string;
  readonly key: string;
}

export interface ClaimChoice {
  readonly leaseMs?: number;
  readonly waitMs?: number;
}

export function claimOf(key: Key, { leaseMs = 600_000, waitMs = 0 }: ClaimChoice = {}) {
  return { key, claimId: randomUUID(), lease: millis(leaseMs), wait: millis(waitMs) };
}

export function completeOf(handle: LeaseHandle, text: string) {
  return { handle, result: { body: { case: "inline" as const, value: Buffer.from(text) } } };
}

/** Null: it was told something else. */
export function handleIn({ detail }: ClaimResponse): LeaseHandle | null {
  return detail.case === "acquired" ? (detail.value.lease?.handle ?? null) : null;
}

/** @throws if it was told something else */
export function handleOf(answer: ClaimResponse): LeaseHandle {
  const handle = handleIn(answer);
  if (handle === null) throw new Error(`a claim was to be acquired, and is ${answer.detail.case}`);
  return handle;
}

/** Null: no result that was stored inline. */
export function textIn(result: Result | undefined): string | null {
  return result?.body.case === "inline" ? Buffer.from(result.body.value).toString() : null;
}

/** What a claim is told of a record that has been completed. */
export function resultIn({ detail }: ClaimResponse): string | null {
  return detail.case === "completed" ? textIn(detail.value.result) : null;
}
