import { create, type Message } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { WaitForRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Endpoint, Malformed } from "../../../src/rpc/endpoint.ts";
import { createServerStreaming, type StreamHandler } from "../../../src/rpc/pipeline.ts";
import { noRules } from "../../../src/rpc/rules.ts";
import { noTracing } from "../../../src/telemetry/tracing.ts";
import { bundle, KEY, methods, Observed, quietContext, wireError } from "./bundle.ts";

describe("a streaming method", () => {
  const request = create(WaitForRequestSchema, { targets: [{ key: KEY }] });

  function streaming(handler: StreamHandler<typeof methods.waitFor.input, typeof methods.waitFor.output>) {
    const observed = new Observed();
    const deps = {
      authenticator: {
        authenticate: async () => ({ tenant: null, roles: new Set<never>(), name: "test", authenticated: false }),
      },
      observer: observed,
      clock: { monotonicMs: () => 0, sleep: async () => {}, turn: async () => {} },
      random: () => 0,
      tracing: noTracing,
    };
    return { observed, endpoint: createServerStreaming(deps, methods.waitFor, noRules, handler) };
  }

  async function read(endpoint: Endpoint, message: Message | Malformed, max = Number.POSITIVE_INFINITY) {
    if (endpoint.kind !== "server_streaming") throw new Error("not a stream");
    const seen: Message[] = [];
    for await (const response of endpoint.call(message, quietContext())) {
      seen.push(response);
      if (seen.length >= max) break;
    }
    return seen;
  }

  test("answers one by one and is observed at its end", async () => {
    const { endpoint, observed } = streaming(async function* () {
      yield { targetIndex: 1 };
      yield { targetIndex: 2 };
    });
    expect(await read(endpoint, request)).toMatchObject([{ targetIndex: 1 }, { targetIndex: 2 }]);
    expect(observed.handledCalls).toEqual([{ method: "WaitFor", code: Code.OK, cause: undefined }]);
  });

  test("fails by an RpcError in the middle too", async () => {
    const cause = new Error("ours");
    const { endpoint, observed } = streaming(async function* () {
      yield { targetIndex: 1 };
      throw cause;
    });
    await expect(read(endpoint, request)).rejects.toMatchObject({ code: Code.INTERNAL });
    expect(observed.handledCalls).toEqual([{ method: "WaitFor", code: Code.INTERNAL, cause }]);
  });

  test("ends what it reads from when a message cannot be made of what comes", async () => {
    let isEnded = false;
    const spoiled = {
      get targetIndex(): number {
        throw new Error("it cannot be read");
      },
    };
    const { endpoint, observed } = streaming(() => {
      const iterator: AsyncIterator<typeof spoiled, undefined> = {
        next: async () => ({ done: false, value: spoiled }),
        async return() {
          isEnded = true;
          return { done: true, value: undefined };
        },
      };
      return { [Symbol.asyncIterator]: () => iterator };
    });
    await expect(read(endpoint, request)).rejects.toMatchObject({ code: Code.INTERNAL });
    expect(isEnded).toBe(true);
    expect(observed.handledCalls).toMatchObject([{ method: "WaitFor", code: Code.INTERNAL }]);
  });

  test("is observed once, and ends what it reads from, when its reader goes before the first answer", async () => {
    let isEnded = false;
    const { endpoint, observed } = streaming(() => {
      const over = async () => ({ done: true, value: undefined }) as const;
      const iterator: AsyncIterator<never, undefined> = {
        next: over,
        return() {
          isEnded = true;
          return over();
        },
      };
      return { [Symbol.asyncIterator]: () => iterator };
    });
    if (endpoint.kind !== "server_streaming") throw new Error("not a stream");
    const messages = endpoint.call(request, quietContext())[Symbol.asyncIterator]();
    const first = messages.next();
    await messages.return?.();
    expect(await first).toEqual({ done: true, value: undefined });
    expect(isEnded).toBe(true);
    expect(observed.handledCalls).toMatchObject([{ method: "WaitFor", code: Code.CANCELLED }]);
  });

  test("is observed as CANCELLED when its reader goes away", async () => {
    const { endpoint, observed } = streaming(async function* () {
      for (;;) yield { targetIndex: 1 };
    });
    expect(await read(endpoint, request, 2)).toHaveLength(2);
    expect(observed.handledCalls).toEqual([{ method: "WaitFor", code: Code.CANCELLED, cause: undefined }]);
  });

  test("WaitFor is validated", async () => {
    const endpoint = bundle().endpoints.find(({ kind }) => kind === "server_streaming");
    if (endpoint === undefined) throw new Error("no WaitFor");
    const failure = async (message: Message | Malformed) =>
      wireError(await read(endpoint, message).catch((thrown: unknown) => thrown));
    expect(await failure(create(WaitForRequestSchema))).toMatchObject({ reason: "FIELD_INVALID" });
    expect(await failure(new Malformed(new Error("bytes")))).toMatchObject({ reason: "FIELD_INVALID" });
  });
});
