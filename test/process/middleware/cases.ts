import { request as httpRequest } from "node:http";
import { createClient, type Holdfast } from "holdfast/client";
import { expect } from "vitest";
import type { App, Handler, Options, Reply, StartApp } from "./app.ts";

/** What a case has in its hands. */
export interface Stage {
  readonly start: (handler: Handler, options?: Options) => Promise<App>;
  /** With another client than that of the server which is there. */
  readonly startWith: StartApp;
}

export interface Case {
  readonly name: string;
  readonly options?: Options;
  readonly play: (stage: Stage) => Promise<void>;
}

let keys = 0;
const newKey = () => `"key-${process.pid}-${++keys}"`;
const ORDER = { amount: 4900, currency: "EUR" };

/** Sends a POST; a header that is undefined is left out. */
async function post(
  app: App,
  headers: Readonly<Record<string, string | undefined>>,
  body: unknown = ORDER,
  path = "/orders/7/pay",
) {
  const bytes = body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
  const type = body instanceof Uint8Array ? "application/octet-stream" : "application/json";
  const all = Object.entries({ "content-type": type, ...headers }).filter(([, value]) => value !== undefined);
  const response = await fetch(app.url + path, { method: "POST", headers: all as [string, string][], body: bytes });
  const content = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(content);
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    replayed: response.headers.get("idempotency-replayed"),
    retryAfter: response.headers.get("retry-after"),
    headers: response.headers,
    content,
    json: isJson ? JSON.parse(text) : undefined,
    problem: isJson ? JSON.parse(text).code : undefined,
  };
}

/** A handler that counts its runs, and answers with what is given for each; the last one again and again. */
function counting(...replies: readonly (Reply | Error)[]) {
  let runs = 0;
  const handler: Handler = () => {
    const reply = replies[Math.min(runs, replies.length - 1)];
    runs++;
    if (reply instanceof Error || reply === undefined) throw reply;
    return reply;
  };
  return { handler, runs: () => runs };
}

/** A handler that goes on when it is told to. */
function gated(reply: Reply) {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const handler: Handler = async () => {
    runs++;
    entered.resolve();
    await gate.promise;
    return reply;
  };
  return { handler, entered: entered.promise, open: () => gate.resolve(), runs: () => runs };
}

const CREATED: Reply = { status: 201, headers: { location: "/charges/1" }, body: { charge: 1 } };

function stream(chunks: number, bytes: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === chunks) return controller.close();
      controller.enqueue(new Uint8Array(bytes).fill(97 + (sent++ % 26)));
    },
  });
}

/** Ends with an error behind its first bytes. */
function breaking(): ReadableStream<Uint8Array> {
  let isBroken = false;
  return new ReadableStream({
    pull(controller) {
      if (isBroken) return controller.error(new Error("broken off"));
      isBroken = true;
      controller.enqueue(new Uint8Array(100));
    },
  });
}

function unreachable(): Holdfast {
  return createClient({
    address: "127.0.0.1:1",
    retry: { tryTimeoutMs: 300, totalTimeoutMs: 300 },
    onWarning: () => {},
  });
}

/** Each of them holds behind every framework. */
export const CASES: readonly Case[] = [
  {
    name: "the second request gets the status, the body and the headers of the first, and says so",
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      const first = await post(app, headers);
      const second = await post(app, headers);
      expect(first).toMatchObject({ status: 201, replayed: null, json: { charge: 1 } });
      expect(second).toMatchObject({ status: 201, replayed: "true", json: { charge: 1 } });
      expect(second.content).toEqual(first.content);
      for (const name of ["content-type", "location"]) expect(second.headers.get(name)).toBe(first.headers.get(name));
      expect(runs()).toBe(1);
    },
  },
  {
    name: "a cookie goes to whoever made it, and is never replayed",
    play: async ({ start }) => {
      const cookies = ["session=1; HttpOnly", "other=2"];
      const { handler } = counting({ ...CREATED, headers: { "set-cookie": cookies, "x-secret": "1" } });
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      const first = await post(app, headers);
      const second = await post(app, headers);
      expect(first.headers.getSetCookie()).toEqual(cookies);
      expect(first.headers.get("x-secret")).toBe("1");
      expect(second.headers.getSetCookie()).toEqual([]);
      expect(second.headers.get("x-secret")).toBeNull();
    },
  },
  {
    name: "a request without a key is 400, and where none is required it passes unprotected",
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      expect(await post(app, {})).toMatchObject({ status: 400, problem: "key-missing" });
      expect(runs()).toBe(0);
      await using lenient = await start(handler, { keyRequired: false });
      expect(await post(lenient, {})).toMatchObject({ status: 201, replayed: null });
      expect(await post(lenient, {})).toMatchObject({ status: 201, replayed: null });
      expect(runs()).toBe(2);
    },
  },
  {
    name: "a key that is none is 400",
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      for (const key of ['"a", "b"', '"open', '""', `"${"x".repeat(256)}"`, "a b"]) {
        expect(await post(app, { "idempotency-key": key })).toMatchObject({ status: 400, problem: "key-malformed" });
      }
      expect(runs()).toBe(0);
    },
  },
  {
    name: "a key that is used again for another body, or on another path, is 422",
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      await post(app, headers);
      const reused = { status: 422, problem: "key-reused" };
      expect(await post(app, headers, { ...ORDER, amount: 1 })).toMatchObject(reused);
      expect(await post(app, headers, ORDER, "/orders/8/pay")).toMatchObject(reused);
      expect(await post(app, headers, ORDER, "/orders/7/pay?fast=1")).toMatchObject(reused);
      expect(await post(app, headers, { currency: "EUR", amount: 4900 })).toMatchObject({ replayed: "true" });
      expect(runs()).toBe(1);
    },
  },
  {
    name: "a body of bytes is compared byte by byte",
    play: async ({ start }) => {
      const { handler } = counting(CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      await post(app, headers, new Uint8Array([1, 2, 3]));
      expect(await post(app, headers, new Uint8Array([1, 2, 3]))).toMatchObject({ replayed: "true" });
      expect(await post(app, headers, new Uint8Array([1, 2, 4]))).toMatchObject({ problem: "key-reused" });
    },
  },
  {
    name: "a JSON body without a canonical form is 400",
    play: async ({ start }) => {
      const { handler } = counting(CREATED);
      await using app = await start(handler);
      const answer = await post(app, { "idempotency-key": newKey() }, { text: "\ud800" });
      expect(answer).toMatchObject({ status: 400, problem: "body-not-canonical" });
    },
  },
  {
    name: "a request beside one that runs is 409 with Retry-After, and afterwards gets its answer",
    play: async ({ start }) => {
      const { handler, entered, open, runs } = gated(CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      const first = post(app, headers);
      await entered;
      expect(await post(app, headers)).toMatchObject({ status: 409, problem: "in-progress", retryAfter: "1" });
      open();
      expect(await first).toMatchObject({ status: 201 });
      expect(await post(app, headers)).toMatchObject({ status: 201, replayed: "true" });
      expect(runs()).toBe(1);
    },
  },
  {
    name: "with waitMs, a request beside one that runs waits for its answer",
    options: { waitMs: 30_000 },
    play: async ({ start }) => {
      const { handler, entered, open, runs } = gated(CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      const first = post(app, headers);
      await entered;
      const second = post(app, headers);
      open();
      expect(await first).toMatchObject({ status: 201, replayed: null });
      expect(await second).toMatchObject({ status: 201, replayed: "true", json: { charge: 1 } });
      expect(runs()).toBe(1);
    },
  },
  {
    name: "one key of two principals is two keys",
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      const key = newKey();
      expect(await post(app, { "idempotency-key": key, "x-user": "ann" })).toMatchObject({ replayed: null });
      expect(await post(app, { "idempotency-key": key, "x-user": "ben" })).toMatchObject({ replayed: null });
      expect(await post(app, { "idempotency-key": key, "x-user": "ann" })).toMatchObject({ replayed: "true" });
      expect(runs()).toBe(2);
    },
  },
  {
    name: "what the handler has refused is stored, but not what may be answered otherwise",
    play: async ({ start }) => {
      const { handler, runs } = counting({ status: 429, body: { no: 1 } }, { status: 402, body: { no: 2 } });
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      expect(await post(app, headers)).toMatchObject({ status: 429, json: { no: 1 }, replayed: null });
      expect(await post(app, headers)).toMatchObject({ status: 402, json: { no: 2 }, replayed: null });
      expect(await post(app, headers)).toMatchObject({ status: 402, json: { no: 2 }, replayed: "true" });
      expect(runs()).toBe(2);
    },
  },
  {
    name: "a handler that throws, or answers 5xx, runs again with the next request",
    play: async ({ start }) => {
      const { handler, runs } = counting(new Error("a bug"), { status: 503, body: { no: 1 } }, CREATED);
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      expect(await post(app, headers)).toMatchObject({ status: 500 });
      expect(await post(app, headers)).toMatchObject({ status: 503, json: { no: 1 } });
      expect(await post(app, headers)).toMatchObject({ status: 201, replayed: null });
      expect(runs()).toBe(3);
    },
  },
  {
    name: "under hold, after a handler that throws the outcome is unknown, and it is not run again",
    options: { onLeaseExpiry: "hold" },
    play: async ({ start }) => {
      const { handler, runs } = counting(new Error("a bug"));
      await using app = await start(handler);
      const headers = { "idempotency-key": newKey() };
      expect(await post(app, headers)).toMatchObject({ status: 500 });
      expect(await post(app, headers)).toMatchObject({ status: 409, problem: "outcome-unknown", retryAfter: null });
      expect(runs()).toBe(1);
    },
  },
  {
    name: "GET passes, with a key and without",
    play: async ({ start }) => {
      const { handler, runs } = counting({ status: 200, body: { attempt: 1 } });
      await using app = await start(({ attempt, ...seen }) => {
        expect(attempt).toBeUndefined();
        return handler({ attempt, ...seen });
      });
      for (const headers of [{}, { "idempotency-key": newKey() }]) {
        const response = await fetch(`${app.url}/orders/7/pay`, { headers });
        expect(response.status).toBe(200);
        await response.body?.cancel();
      }
      expect(runs()).toBe(2);
    },
  },
  {
    name: "a body over the bound is 413",
    options: { requestBytesMax: 1000 },
    play: async ({ start }) => {
      const { handler, runs } = counting(CREATED);
      await using app = await start(handler);
      const answer = await post(app, { "idempotency-key": newKey() }, new Uint8Array(1001));
      expect(answer).toMatchObject({ status: 413, problem: "body-too-large" });
      expect(runs()).toBe(0);
      const fits = await post(app, { "idempotency-key": newKey() }, new Uint8Array(1000));
      expect(fits).toMatchObject({ status: 201 });
    },
  },
  {
    name: "a stream within the bound is replayed byte by byte",
    play: async ({ start }) => {
      const type = { "content-type": "application/octet-stream" };
      await using app = await start(() => ({ status: 200, headers: type, body: stream(10, 1000) }));
      const headers = { "idempotency-key": newKey() };
      const first = await post(app, headers);
      const second = await post(app, headers);
      expect(first.content).toHaveLength(10_000);
      expect(second).toMatchObject({ status: 200, replayed: "true" });
      expect(second.content).toEqual(first.content);
    },
  },
  {
    name: "a stream over the bound goes through whole, and its replay is 409",
    options: { responseBytesMax: 5_000 },
    play: async ({ start }) => {
      let runs = 0;
      await using app = await start(() => {
        runs++;
        return { status: 200, body: stream(100, 10_000) };
      });
      const headers = { "idempotency-key": newKey() };
      expect((await post(app, headers)).content).toHaveLength(1_000_000);
      expect(await post(app, headers)).toMatchObject({ status: 409, problem: "result-not-kept", retryAfter: null });
      expect(runs).toBe(1);
    },
  },
  {
    name: "a stream that breaks off lets the next request run the handler, at once",
    play: async ({ start }) => {
      let runs = 0;
      await using app = await start(() => (++runs === 1 ? { status: 200, body: breaking() } : CREATED));
      const headers = { "idempotency-key": newKey() };
      await post(app, headers).catch(() => {});
      expect(await post(app, headers)).toMatchObject({ status: 201, replayed: null });
      expect(runs).toBe(2);
    },
  },
  {
    name: "bytes that are no text, and no body at all, are replayed as they are",
    play: async ({ start }) => {
      const bytes = new Uint8Array([0, 255, 128, 10]);
      const { handler } = counting({ status: 200, body: bytes }, { status: 204 });
      await using app = await start(handler);
      const one = { "idempotency-key": newKey() };
      const two = { "idempotency-key": newKey() };
      await post(app, one);
      await post(app, two);
      expect(await post(app, one)).toMatchObject({ status: 200, content: bytes, replayed: "true" });
      expect(await post(app, two)).toMatchObject({ status: 204, content: new Uint8Array(), replayed: "true" });
    },
  },
  {
    name: "a client that goes leaves the work alone, and gets its answer when it comes back",
    play: async ({ start }) => {
      const { handler, entered, open, runs } = gated(CREATED);
      const lost = Promise.withResolvers<void>();
      let isAborted = false;
      await using app = await start(async (seen) => {
        const reply = await handler(seen);
        isAborted = seen.attempt?.signal.aborted ?? true;
        return reply;
      });
      const key = newKey();
      const sent = httpRequest(`${app.url}/orders/7/pay`, {
        method: "POST",
        headers: { "idempotency-key": key, "content-type": "application/json" },
      });
      sent.on("error", () => lost.resolve());
      sent.end(JSON.stringify(ORDER));
      await entered;
      sent.destroy(new Error("gone"));
      await lost.promise;
      open();
      await expect.poll(() => post(app, { "idempotency-key": key })).toMatchObject({ status: 201, replayed: "true" });
      expect(isAborted).toBe(false);
      expect(runs()).toBe(1);
    },
  },
  {
    name: "without Holdfast, a request is 503 with Retry-After, or runs unprotected and says so",
    options: { answerTimeoutMs: 200, onError: () => {} },
    play: async ({ startWith }) => {
      const { handler, runs } = counting(CREATED);
      await using holdfast = unreachable();
      const options: Options = { answerTimeoutMs: 200, onError: () => {} };
      const headers = { "idempotency-key": newKey() };
      await using closed = await startWith(holdfast, handler, options);
      expect(await post(closed, headers)).toMatchObject({ status: 503, problem: "unavailable", retryAfter: "1" });
      expect(runs()).toBe(0);
      await using open = await startWith(holdfast, handler, { ...options, whenUnavailable: "fail-open" });
      const answer = await post(open, headers);
      expect(answer).toMatchObject({ status: 201, json: { charge: 1 } });
      expect(answer.headers.get("idempotency-unprotected")).toBe("true");
      expect(runs()).toBe(1);
    },
  },
  {
    name: "the handler has the attempt: its fence, and keys for providers that stay the same",
    play: async ({ start }) => {
      const derived: (string | undefined)[] = [];
      const fences: (bigint | undefined)[] = [];
      await using app = await start(({ attempt, id, body }) => {
        expect(id).toBe("7");
        expect(body).toEqual(ORDER);
        derived.push(attempt?.keyFor("bank"));
        fences.push(attempt?.fence);
        return derived.length === 1 ? { status: 500 } : CREATED;
      });
      const headers = { "idempotency-key": newKey() };
      await post(app, headers);
      await post(app, headers);
      expect(derived[0]).toMatch(/^[\w-]{43}$/);
      expect(derived[1]).toBe(derived[0]);
      expect(Number(fences[1])).toBeGreaterThan(Number(fences[0]));
    },
  },
  {
    name: "problems are application/problem+json, and point at the documentation",
    options: { documentation: "https://api.example.com/idempotency" },
    play: async ({ start }) => {
      await using app = await start(() => CREATED);
      const { status, headers, json } = await post(app, {});
      expect(status).toBe(400);
      expect(headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(headers.get("link")).toBe('<https://api.example.com/idempotency>; rel="describedby"; type="text/html"');
      expect(json).toEqual({
        type: "https://api.example.com/idempotency#key-missing",
        title: "Idempotency-Key is missing",
        detail: "This operation requires one.",
        status: 400,
        code: "key-missing",
      });
    },
  },
];
