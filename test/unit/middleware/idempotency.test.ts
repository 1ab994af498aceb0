import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { responseSerializer } from "../../../src/middleware/http.ts";
import { unavailable } from "../client/fake-server.ts";
import { created, startRoute } from "./one-route.ts";

const code = ({ text }: { readonly text: string }) => JSON.parse(text).code;

test("the answer goes out when it is stored, and not before", async () => {
  const { post, server } = startRoute(created);
  let isStored = false;
  server.meddle = async ({ method }, pass) => {
    const answer = await pass();
    if (method === "complete") isStored = true;
    return answer;
  };
  await post();
  expect(isStored).toBe(true);
});

test("the answer of work that is done goes out also when nobody knows whether it is stored", async () => {
  const { post, server, errors } = startRoute(created);
  server.meddle = ({ method }, pass) => (method === "complete" ? Promise.reject(unavailable()) : pass());
  const answer = await post();
  expect(answer).toMatchObject({ status: 201, text: '{"charge":1}' });
  expect(answer.headers.get("idempotency-unconfirmed")).toBe("true");
  expect(errors).toMatchObject([{ reason: "UNCONFIRMED" }]);
});

test("a handler that was overtaken is not believed, and who asks again gets the answer that counts", async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const { begin, post, server, clock } = startRoute(
    async () => {
      if (++runs > 1) return Response.json({ charge: "second" });
      await gate.promise;
      return Response.json({ charge: "first" });
    },
    { leaseMs: 1_000 },
  );
  const first = begin();
  server.meddle = ({ method }, pass) => (method === "heartbeat" ? Promise.reject(unavailable()) : pass());
  await clock.advance(1_500);
  expect((await post()).text).toBe('{"charge":"second"}');
  gate.resolve();
  const late = await clock.until(first);
  expect(late.status).toBe(409);
  expect(code(late)).toBe("overtaken");
  expect((await post()).text).toBe('{"charge":"second"}');
});

test("what a reconciler has stored as a response is replayed, and what is none is 409", async () => {
  const { post, server, clock, runs } = startRoute(() => new Response("a bug", { status: 500 }), {
    onLeaseExpiry: "hold",
  });
  const answers = [];
  for (const key of ['"one"', '"two"']) {
    await post(key);
    expect(code(await post(key))).toBe("outcome-unknown");
    answers.push(`/${key.slice(1, -1)}`);
  }
  const response = { status: 201, headers: [["location", "/charges/9"]] as const, body: new Uint8Array([111, 107]) };
  const [one = "", two = ""] = answers;
  const holdfast = server.client();
  const name = { scope: "POST /charges" };
  await clock.until(
    holdfast.reconcile({ ...name, key: one, serializer: responseSerializer }, async () => ({ done: response })),
  );
  await clock.until(holdfast.reconcile({ ...name, key: two }, async () => ({ done: "paid" })));
  const replayed = await post('"one"');
  expect(replayed).toMatchObject({ status: 201, text: "ok" });
  expect(replayed.headers.get("location")).toBe("/charges/9");
  expect(code(await post('"two"'))).toBe("result-not-kept");
  expect(runs()).toBe(2);
});

test("a quota is 429 with the time that Holdfast asks for", async () => {
  const { post, server, errors } = startRoute(created);
  const fault = new Fault("QUOTA_NEW_RECORDS", "too many", { retryAfterMs: 7_000 });
  server.meddle = () => server.refuse(fault);
  const answer = await post();
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(7);
  expect(errors).toHaveLength(1);
});

test("a wrong credential is 503 and is told to the service, also where an outage would run the handler", async () => {
  const { post, server, errors, runs } = startRoute(created, { whenUnavailable: "fail-open" });
  server.meddle = () => Promise.reject(new ConnectError("no", Code.Unauthenticated));
  const answer = await post();
  expect(answer.status).toBe(503);
  expect(answer.text).not.toContain('no"');
  expect(errors).toMatchObject([{ code: Code.Unauthenticated }]);
  expect(runs()).toBe(0);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("a mistake");
    },
    "a mistake",
  ],
  ["is no word", () => "stored" as "store", 'disposition must give "store", "retryable", "not-started" or'],
])("a disposition that %s is told to the service, and the default holds", async (_, disposition, message) => {
  const { post, errors, runs } = startRoute(created, { disposition });
  for (const _ of [1, 2]) expect(await post()).toMatchObject({ status: 201 });
  expect(runs()).toBe(1);
  expect(errors).toHaveLength(1);
  expect(String(errors[0])).toContain(message);
});

test("an answer that is not stored in time goes out marked, and the store goes on", async () => {
  const { begin, post, server, clock, runs } = startRoute(created, { answerTimeoutMs: 2_000 });
  let isLost = true;
  server.meddle = ({ method }, pass) => (method === "complete" && isLost ? Promise.reject(unavailable()) : pass());
  const beganAtMs = clock.monotonicMs();
  const first = await post();
  expect(clock.monotonicMs() - beganAtMs).toBeLessThanOrEqual(2_000);
  expect(first.headers.get("idempotency-unconfirmed")).toBe("true");
  isLost = false;
  await clock.advance(30_000);
  const second = await clock.until(begin());
  expect(second.headers.get("idempotency-replayed")).toBe("true");
  expect(second.headers.has("idempotency-unconfirmed")).toBe(false);
  expect(runs()).toBe(1);
});

test("an outage whose claim arrived runs the handler unprotected, and gives nothing back as not started", async () => {
  let isProtected: boolean | undefined;
  const { post, server, errors } = startRoute(
    (_, attempt) => {
      isProtected = attempt?.isProtected;
      return Response.redirect("http://shop.example/charges/1", 303);
    },
    { whenUnavailable: "fail-open" },
  );
  server.meddle = async (_, pass) => {
    await pass();
    throw unavailable();
  };
  const answer = await post();
  expect(answer.status).toBe(303);
  expect(answer.headers.get("idempotency-unprotected")).toBe("true");
  expect(isProtected).toBe(false);
  expect(server.calls).not.toContain("fail");
  expect(errors).toMatchObject([{ name: "UnprotectedError" }]);
});

test("an onError that throws changes no answer", async () => {
  const { post, server } = startRoute(created, {
    onError: () => {
      throw new Error("no log");
    },
  });
  server.meddle = () => Promise.reject(unavailable());
  expect((await post()).status).toBe(503);
});

test("two whole numbers that are one double are two payloads", async () => {
  const { post, runs } = startRoute(created);
  await post('"k"', { body: '{"account":9007199254740993}' });
  expect((await post('"k"', { body: '{"account":9007199254740992}' })).status).toBe(422);
  expect((await post('"k"', { body: '{"account":9007199254740993}' })).status).toBe(201);
  expect(runs()).toBe(1);
});

test("a body that somebody has read in front is the service's mistake", async () => {
  const { handle, clock } = startRoute(created);
  const headers = { "idempotency-key": '"k"' };
  const request = new Request("http://shop.example/charges", { method: "POST", body: "{}", headers });
  await request.text();
  await expect(clock.until(handle(request))).rejects.toThrow("the body was read in front of idempotency");
});

test("a principal that is no text is the service's mistake, and its error handler's", async () => {
  const { post } = startRoute(created, { principal: () => undefined as unknown as string });
  await expect(post()).rejects.toThrow("principal must give well-formed text");
});

test("a client that goes while it waits for another is not waited for", async () => {
  const gate = Promise.withResolvers<void>();
  const { post, clock, runs } = startRoute(() => gate.promise.then(created), { waitMs: 60_000 });
  const first = post();
  const leaving = new AbortController();
  const second = post('"k"', { signal: leaving.signal });
  await clock.advance(1_000);
  leaving.abort();
  expect((await second).status).toBe(503);
  gate.resolve();
  expect(await first).toMatchObject({ status: 201 });
  expect(runs()).toBe(1);
});

test.each([
  ["finish", false],
  ["abort", true],
] as const)(
  "with onDisconnect %s, the attempt of a client that goes is aborted: %s",
  async (onDisconnect, isAborted) => {
    const gate = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    const { post, clock } = startRoute(
      async (_, attempt) => {
        signal = attempt?.signal;
        await gate.promise;
        return created();
      },
      { onDisconnect },
    );
    const leaving = new AbortController();
    const sent = post('"k"', { signal: leaving.signal });
    await clock.advance(0);
    leaving.abort();
    await clock.advance(0);
    expect(signal?.aborted).toBe(isAborted);
    gate.resolve();
    expect((await sent).status).toBe(201);
  },
);

test("what the handler throws is thrown, and the next request runs it again", async () => {
  let runs = 0;
  const { post } = startRoute(() => {
    if (++runs === 1) throw new Error("a bug");
    return created();
  });
  await expect(post()).rejects.toThrow("a bug");
  expect(await post()).toMatchObject({ status: 201 });
});
