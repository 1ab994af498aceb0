import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type LeaseHandle,
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Endpoint } from "../../../src/rpc/endpoint.ts";
import type { RpcError } from "../../../src/rpc/error.ts";
import { createSession } from "../../../src/rpc/session.ts";
import type { Line, LineContext, Outgoing, Session, SessionEndpoint } from "../../../src/rpc/session-line.ts";
import type { SessionLimits } from "../../../src/rpc/session-tally.ts";
import { createManualClock, type ManualClock, settled } from "../store/manual-clock.ts";
import { type Bundle, type BundleOptions, bundle, claimOf, quietContext, resultOf } from "./bundle.ts";

export type RequestInit = Extract<MessageInitShape<typeof SessionRequestSchema>, { readonly $typeName?: never }>;

/** A line that is moved by hand. */
export class HandLine implements Line {
  readonly sent: SessionResponse[] = [];
  /** Undefined while it lasts; null: OK. */
  ended: RpcError | null | undefined;
  isPaused = false;
  /** Whether what is sent is taken at once. */
  isRead = true;
  /** Makes the next message impossible to encode. */
  breaks: Error | null = null;
  readonly #untaken: Outgoing[] = [];

  send(message: Outgoing): void {
    if (this.ended !== undefined) throw new Error("a message behind the end");
    if (this.breaks !== null) throw this.breaks;
    this.sent.push(fromBinary(SessionResponseSchema, Buffer.concat(message.encode())));
    if (this.isRead) message.taken();
    else this.#untaken.push(message);
  }

  /** The reader takes what was sent first. */
  take(count = this.#untaken.length): void {
    for (const message of this.#untaken.splice(0, count)) message.taken();
  }

  pause(): void {
    if (this.isPaused) throw new Error("paused twice");
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) throw new Error("resumed twice");
    this.isPaused = false;
  }

  end(error: RpcError | null): void {
    if (this.ended !== undefined) throw new Error("ended twice");
    this.ended = error;
  }
}

export interface Stand {
  readonly own: Bundle;
  readonly endpoint: SessionEndpoint;
  readonly clock: ManualClock;
  readonly line: HandLine;
  readonly session: Session;
  readonly retiring: AbortController;
  /** What the metrics were told. */
  readonly told: string[];
  /** Sends a message, as bytes, and lets everything follow that follows by itself. */
  send(message: RequestInit | Uint8Array): Promise<void>;
  /** The answers under this id. */
  answers(id: bigint): readonly SessionResponse["answer"][];
  /** The only one. */
  answer(id: bigint): SessionResponse["answer"];
}

export interface StandOptions extends BundleOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly context?: Partial<LineContext>;
  /** Stands before the endpoints. */
  readonly before?: (endpoint: Endpoint) => Endpoint;
}

export const LIMITS: SessionLimits = {
  callsMax: 100,
  requestBytesMax: 1_000_000,
  waitsMax: 100,
  waitBytesMax: 1_000_000,
};

/** One stream over the memory store. */
export function openStand({ limits, context, before, ...options }: StandOptions = {}): Stand {
  const clock = createManualClock();
  const own = bundle({ clock, ...options });
  const told: string[] = [];
  const retiring = new AbortController();
  const tell = (what: string) => () => void told.push(what);
  const endpoint = createSession(
    {
      ...{ observer: own.observed, clock, random: () => 0.5, limits: { ...LIMITS, ...limits } },
      sessions: { opened: tell("opened"), closed: tell("closed"), paused: tell("paused") },
    },
    before === undefined ? own.endpoints : own.endpoints.map(before),
  );
  const line = new HandLine();
  const session = endpoint.open(line, {
    ...quietContext(),
    retiring: retiring.signal,
    confirm: async () => true,
    ...context,
  });
  const answers = (id: bigint) => line.sent.filter((message) => message.id === id).map(({ answer }) => answer);
  return {
    ...{ own, endpoint, clock, line, session, retiring, told, answers },
    async send(message) {
      const bytes =
        message instanceof Uint8Array ? message : toBinary(SessionRequestSchema, create(SessionRequestSchema, message));
      session.receive(bytes);
      await settled();
    },
    answer(id) {
      const [answer, ...more] = answers(id);
      if (answer === undefined || more.length > 0) throw new Error(`${answers(id).length} answers to ${id}`);
      return answer;
    },
  };
}

export const claim = (more: Parameters<typeof claimOf>[0] = {}) => ({ case: "claim" as const, value: claimOf(more) });
export const heartbeat = (handle: LeaseHandle) => ({ case: "heartbeat" as const, value: { handle } });
export const complete = (handle: LeaseHandle, text = "done") => ({
  case: "complete" as const,
  value: { handle, result: resultOf(text) },
});
export const cancel = { case: "cancel" as const, value: {} };

/** Claims `KEY` under the id 1, and has it. */
export async function holding(stand: Stand): Promise<LeaseHandle> {
  await stand.send({ id: 1n, call: claim() });
  const { detail } = answerAs(stand.answer(1n), "claim");
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error("not acquired");
  return detail.value.lease.handle;
}

/** The code of an answer, which must be an error. */
export function codeOf(answer: SessionResponse["answer"]): number {
  if (answer.case !== "error") throw new Error(`not an error: ${answer.case}`);
  return answer.value.code;
}

export function answerAs<Case extends NonNullable<SessionResponse["answer"]["case"]>>(
  answer: SessionResponse["answer"],
  kind: Case,
) {
  if (answer.case !== kind) throw new Error(`expected ${kind}, not ${answer.case}`);
  return answer.value as Extract<SessionResponse["answer"], { case: Case }>["value"];
}
