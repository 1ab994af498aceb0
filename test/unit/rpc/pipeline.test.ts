import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Code } from "../../../gen/google/rpc/code_pb.ts";
import { ClaimRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Authenticator } from "../../../src/auth/authenticator.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { type CallContext, Malformed } from "../../../src/rpc/endpoint.ts";
import type { Store } from "../../../src/store/store.ts";
import { bundle, claimOf, KEY, methods, quietContext } from "./bundle.ts";
import { openStand } from "./session-stand.ts";

const refusing: Authenticator = {
  async authenticate() {
    throw new Fault("CREDENTIALS_INVALID", "no valid credential");
  },
};

/** The memory store, but for a claim that ends as told. */
function storeThat(claim: Store["claim"]): Store {
  return { ...bundle().store, claim };
}

describe("every call is observed once, with the code that is sent", () => {
  test("an answer", async () => {
    const { call, observed } = bundle();
    await call(methods.claim, claimOf());
    expect(observed.startedMethods).toEqual(["Claim"]);
    expect(observed.handledCalls).toEqual([{ method: "Claim", code: Code.OK, cause: undefined }]);
    expect(observed.claims).toEqual(["acquired new"]);
  });

  test.each<[string, Parameters<typeof bundle>[0], object | Malformed, Code]>([
    ["a bad credential", { authenticator: refusing }, claimOf(), Code.UNAUTHENTICATED],
    ["an invalid request", {}, {}, Code.INVALID_ARGUMENT],
    ["a request that cannot be decoded", {}, new Malformed(new Error("bytes")), Code.INVALID_ARGUMENT],
    ["an unknown tenant", {}, claimOf({ key: { ...KEY, tenant: "nobody" } }), Code.NOT_FOUND],
  ])("%s", async (_, deps, request, code) => {
    const { failure, observed } = bundle(deps);
    const { code: sent } = await failure(methods.claim, request);
    expect(sent).toBe(code);
    expect(observed.handledCalls).toEqual([{ method: "Claim", code, cause: undefined }]);
    expect(observed.claims).toEqual([]);
  });

  test("a bug, whose cause the observer gets and the caller does not", async () => {
    const cause = new Error("select * from holdfast.record");
    const { failure, observed } = bundle({ store: storeThat(() => Promise.reject(cause)) });
    const sent = await failure(methods.claim, claimOf());
    expect(sent).toMatchObject({ code: Code.INTERNAL, reason: "INTERNAL" });
    expect(sent.message).toContain("request-1");
    expect(sent.message).not.toContain("holdfast.record");
    expect(observed.handledCalls).toEqual([{ method: "Claim", code: Code.INTERNAL, cause }]);
  });

  test("a store that does not answer, with what went wrong for the log", async () => {
    const cause = new Error("ECONNREFUSED");
    const fault = new Fault("STORE_UNAVAILABLE", "the store does not answer", { cause });
    const { failure, observed } = bundle({ store: storeThat(() => Promise.reject(fault)) });
    expect(await failure(methods.claim, claimOf())).toMatchObject({ code: Code.UNAVAILABLE, retryMs: 625 });
    expect(observed.handledCalls).toEqual([{ method: "Claim", code: Code.UNAVAILABLE, cause }]);
  });
});

test("the credential is looked at before the request, so that nobody probes without one", async () => {
  const { failure } = bundle({ authenticator: refusing });
  for (const request of [{}, new Malformed(new Error("bytes"))]) {
    expect(await failure(methods.claim, request)).toMatchObject({ reason: "CREDENTIALS_INVALID", fields: {} });
  }
});

describe("deadline and cancellation", () => {
  test("a deadline that has passed at arrival reaches neither authenticator nor store", async () => {
    const untouched = () => Promise.reject(new Error("touched"));
    const { failure } = bundle({ authenticator: { authenticate: untouched }, store: storeThat(untouched) });
    const sent = await failure(methods.claim, claimOf(), { deadline: -1 });
    expect(sent).toMatchObject({ code: Code.DEADLINE_EXCEEDED, reason: "DEADLINE_EXCEEDED", retryMs: null });
  });

  test("the store is told the deadline", async () => {
    let told = 0;
    const { failure } = bundle({
      store: storeThat(async (_, deadline) => {
        told = deadline;
        throw new Fault("DEADLINE_EXCEEDED", "too late");
      }),
    });
    await failure(methods.claim, claimOf(), { deadline: 1234 });
    expect(told).toBe(1234);
  });

  test.each<[string, Partial<CallContext>, Code]>([
    ["the caller went away", {}, Code.CANCELLED],
    ["the deadline passed meanwhile", { deadline: 10 }, Code.DEADLINE_EXCEEDED],
  ])("work that stops because %s is no bug", async (_, context, code) => {
    let nowMs = 0;
    const gone = new AbortController();
    const { failure } = bundle({
      clock: { monotonicMs: () => nowMs, sleep: async () => {}, turn: async () => {} },
      store: storeThat(async () => {
        nowMs = 20;
        gone.abort();
        throw gone.signal.reason;
      }),
    });
    expect(await failure(methods.claim, claimOf(), { ...context, signal: gone.signal })).toMatchObject({ code });
  });

  test("an error of ours stays INTERNAL though the caller went away", async () => {
    const { failure } = bundle({ store: storeThat(() => Promise.reject(new Error("ours"))) });
    expect(await failure(methods.claim, claimOf(), { signal: AbortSignal.abort() })).toMatchObject({
      code: Code.INTERNAL,
    });
  });

  test("an answer asks the adapter for neither signal nor request id", async () => {
    const context: CallContext = {
      ...quietContext(),
      get requestId(): string {
        throw new Error("asked for the request id");
      },
      get signal(): AbortSignal {
        throw new Error("asked for the signal");
      },
    };
    const [claim] = bundle().endpoints;
    if (claim?.kind !== "unary") throw new Error("no claim");
    await claim.call(create(ClaimRequestSchema, claimOf()), context);
  });
});

test("there is one endpoint for every method of the service", () => {
  const session = openStand();
  const served = [...session.own.endpoints, session.endpoint].map(({ method }) => method.localName);
  expect(served.toSorted()).toEqual(Object.keys(methods).toSorted());
});
