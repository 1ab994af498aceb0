import { create, type MessageInitShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  FailKind,
  IdempotencyService,
  type LeaseHandle,
  type SessionHello,
  SessionRequestSchema,
  type SessionResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { serviceDefinition } from "../../src/server/service-definition.ts";
import { claimOf, handleOf, type Key } from "./waiting-calls.ts";

type RequestInit = Extract<MessageInitShape<typeof SessionRequestSchema>, { readonly $typeName?: never }>;
export type CallInit = Exclude<RequestInit["call"], undefined>;
export type Answer = SessionResponse["answer"];

/** A session by grpc-js, down to the messages. */
export interface SessionCaller extends Disposable {
  readonly hello: Promise<SessionHello>;
  /** The reason of its Goodbye. */
  readonly goodbye: Promise<number>;
  /** How the stream ended. */
  readonly ended: Promise<grpc.StatusObject>;
  /** Resolves with the answer, whichever it is; with null if the stream ends without one. */
  call(call: CallInit, more?: Omit<RequestInit, "id" | "call">): Promise<Answer | null>;
  /** As it is, under an id of the test's own. */
  send(message: RequestInit): void;
  /** Cancels the newest call. */
  cancel(): void;
  halfClose(): void;
}

export function openSession(address: string, headers: Readonly<Record<string, string>> = {}): SessionCaller {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const definition = serviceDefinition(IdempotencyService)["session"];
  if (definition === undefined) throw new Error("no sessions");
  const { path, requestSerialize, responseDeserialize } = definition;
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const hello = Promise.withResolvers<SessionHello>();
  const goodbye = Promise.withResolvers<number>();
  const ended = Promise.withResolvers<grpc.StatusObject>();
  const open = new Map<bigint, (answer: Answer | null) => void>();
  let id = 0n;

  stream.on("data", ({ id, answer }: SessionResponse) => {
    if (answer.case === "hello") hello.resolve(answer.value);
    else if (answer.case === "goodbye") goodbye.resolve(answer.value.reason);
    else {
      const heard = open.get(id);
      if (heard === undefined) throw new Error(`an answer to ${id}, which is not open`);
      open.delete(id);
      heard(answer);
    }
  });
  stream.on("error", () => undefined);
  stream.on("status", (status: grpc.StatusObject) => {
    for (const heard of open.values()) heard(null);
    open.clear();
    ended.resolve(status);
  });
  const send = (message: RequestInit) => void stream.write(create(SessionRequestSchema, message));
  return {
    ...{ hello: hello.promise, goodbye: goodbye.promise, ended: ended.promise, send },
    call(call, more = {}) {
      const own = ++id;
      return new Promise((resolve) => {
        open.set(own, resolve);
        send({ ...more, id: own, call });
      });
    },
    cancel: () => send({ id, call: { case: "cancel", value: {} } }),
    halfClose: () => void stream.end(),
    [Symbol.dispose]() {
      stream.cancel();
      client.close();
    },
  };
}

export function answerAs<Case extends NonNullable<Answer["case"]>>(answer: Answer | null, kind: Case) {
  if (answer?.case !== kind) throw new Error(`expected ${kind}, not ${answer?.case}: ${describe(answer)}`);
  return answer.value as Extract<Answer, { case: Case }>["value"];
}

function describe(answer: Answer | null): string {
  return answer?.case === "error" ? `${answer.value.code} ${answer.value.message}` : "no error";
}

export const resultOf = (text: string) => ({ body: { case: "inline" as const, value: Buffer.from(text) } });

export const claim = (key: Key, more: Parameters<typeof claimOf>[1] = {}): CallInit => ({
  case: "claim",
  value: claimOf(key, more),
});
export const complete = (handle: LeaseHandle, text = "done"): CallInit => ({
  case: "complete",
  value: { handle, result: resultOf(text) },
});
export const release = (handle: LeaseHandle): CallInit => ({
  case: "fail",
  value: { handle, kind: FailKind.NOT_STARTED },
});

export const leaseOf = (answer: Answer | null): LeaseHandle => handleOf(answerAs(answer, "claim"));
/** Claims, and has it. */
export const hold = async (session: SessionCaller, key: Key) => leaseOf(await session.call(claim(key)));
