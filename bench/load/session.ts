import { fromBinary } from "@bufbuild/protobuf";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { IdempotencyService, SessionHelloSchema, SessionResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { connectLean } from "./http2.ts";
import { fieldsOf, type SessionCall, sessionRequest } from "./messages.ts";

const PATH = `/${IdempotencyService.typeName}/Session`;
const { field } = SessionResponseSchema;

/** The calls of many callers on one stream, encoded by hand. */
export interface LeanSession {
  /** What the server has said that it carries at a time. */
  readonly callsMax: number;
  readonly waitsMax: number;
  /** @param message an encoded request of the unary call of this name */
  call(call: SessionCall, message: Uint8Array): Promise<Buffer>;
  close(): Promise<void>;
}

/** @param path of another method that is spoken to in the same way */
export async function openLeanSession(address: string, path = PATH): Promise<LeanSession> {
  const connection = await connectLean(address);
  const open = new Map<number, PromiseWithResolvers<Buffer>>();
  const hello = Promise.withResolvers<Buffer>();
  let lastId = 0;

  const fail = (error: Error) => {
    hello.reject(error);
    for (const { reject } of open.values()) reject(error);
    open.clear();
  };

  const answer = (message: Buffer) => {
    let id = 0;
    for (const { number, bytes, value } of fieldsOf(message)) {
      if (number === field.id.number) id = value;
      else if (number === field.hello.number) hello.resolve(bytes);
      else if (number === field.goodbye.number) fail(new Error("the server has said goodbye"));
      else {
        const call = open.get(id);
        open.delete(id);
        if (number === field.error.number) call?.reject(new Error(fromBinary(StatusSchema, bytes).message));
        else call?.resolve(bytes);
      }
    }
  };

  const stream = connection.open(path, {
    message: answer,
    ended: () => fail(new Error("the server has ended the session")),
    broken: fail,
  });
  const { callsMax, waitsMax } = fromBinary(SessionHelloSchema, await hello.promise);
  return {
    callsMax,
    waitsMax,
    call(call, message) {
      const answered = Promise.withResolvers<Buffer>();
      const id = ++lastId;
      open.set(id, answered);
      stream.send(sessionRequest(id, call, message));
      return answered.promise;
    },
    async close() {
      open.clear();
      await connection.close();
    },
  };
}
