import { describe, expect, test } from "vitest";
import { created, startRoute } from "./one-route.ts";

const documentation = "https://developer.example.com/idempotency";
const LINK = `<${documentation}>; rel="describedby"; type="text/html"`;

/** What an answer that is a problem says, and whether it points to the documentation in both ways. */
async function expectProblem(answer: { status: number; headers: Headers; text: string }, status: number, code: string) {
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("content-language")).toBe("en");
  expect(answer.headers.get("link")).toBe(LINK);
  expect(JSON.parse(answer.text)).toMatchObject({ type: `${documentation}#${code}`, status, code });
}

interface Rule {
  readonly section: string;
  readonly rule: string;
  readonly holds: () => Promise<void>;
}

/** draft-ietf-httpapi-idempotency-key-header, revisions 06 and 07, by its own order. */
const RULES: readonly Rule[] = [
  {
    section: "2.1",
    rule: "the field is a structured field's Item, and its value is a String",
    holds: async () => {
      const { post, runs } = startRoute(created, { keySyntax: "string" });
      expect(await post('"8e03978e-40d5-43e8-bc93-6894a57f9324"')).toMatchObject({ status: 201 });
      expect(await post('"8e03978e-40d5-43e8-bc93-6894a57f9324";version=1')).toMatchObject({ status: 201 });
      for (const key of ["8e03978e", "17", ":aGVsbG8=:", "?1", "(1 2)"])
        expect(await post(key)).toMatchObject({ status: 400 });
      expect(runs()).toBe(1);
    },
  },
  {
    section: "2.1",
    rule: "there is one field and not more",
    holds: async () => {
      const { send, clock, runs } = startRoute(created);
      const headers = new Headers([
        ["idempotency-key", '"a"'],
        ["idempotency-key", '"b"'],
      ]);
      expect(await clock.until(send({ headers }))).toMatchObject({ status: 400 });
      expect(runs()).toBe(0);
    },
  },
  {
    section: "2.2",
    rule: "a key is not used again with another payload",
    holds: async () => {
      const { post, runs } = startRoute(created);
      await post();
      expect(await post('"k"', { body: '{"amount":2}' })).toMatchObject({ status: 422 });
      expect(await post('"k"', { body: '{"amount":1 }' })).toMatchObject({ status: 201 });
      expect(runs()).toBe(1);
    },
  },
  {
    section: "2.3",
    rule: "a key may expire, and until it has its request is not processed again",
    holds: async () => {
      const kept = { resultRetentionMs: 60_000, tombstoneRetentionMs: 60_000 };
      const { post, clock, runs } = startRoute(created, { ...kept, documentation });
      await post();
      await clock.advance(59_000);
      expect(await post()).toMatchObject({ status: 201 });
      await clock.advance(2_000);
      await expectProblem(await post(), 409, "expired");
      expect(runs()).toBe(1);
      await clock.advance(60_000);
      expect(await post()).toMatchObject({ status: 201 });
      expect(runs()).toBe(2);
    },
  },
  {
    section: "2.4",
    rule: "the fingerprint is that of the payload, or of chosen parts of it",
    holds: async () => {
      const fingerprint = (request: Request) => request.headers.get("x-order");
      const { post, runs } = startRoute(created, { fingerprint });
      await post('"k"', { headers: { "x-order": "1" } });
      const same = await post('"k"', { headers: { "x-order": "1" }, body: '{"amount":2}' });
      expect(same).toMatchObject({ status: 201 });
      expect(await post('"k"', { headers: { "x-order": "2" } })).toMatchObject({ status: 422 });
      expect(runs()).toBe(1);
    },
  },
  {
    section: "2.6, first time",
    rule: "the request is processed as ever",
    holds: async () => {
      const { post } = startRoute(created);
      const { status, headers, text } = await post();
      expect({ status, text }).toEqual({ status: 201, text: '{"charge":1}' });
      expect(headers.has("idempotency-replayed")).toBe(false);
    },
  },
  {
    section: "2.6, retry",
    rule: "what was answered is answered again, success or error",
    holds: async () => {
      for (const status of [200, 201, 303, 402, 404]) {
        const { post, runs } = startRoute(() => new Response(`answer ${status}`, { status }));
        const first = await post();
        const second = await post();
        expect({ status: second.status, text: second.text }).toEqual({ status: first.status, text: first.text });
        expect(second.headers.get("idempotency-replayed")).toBe("true");
        expect(runs()).toBe(1);
      }
    },
  },
  {
    section: "2.6 and 2.7, concurrent",
    rule: "a request beside one that is being processed is 409, and needs no correction",
    holds: async () => {
      const gate = Promise.withResolvers<void>();
      const { post, runs } = startRoute(() => gate.promise.then(created), { documentation });
      const first = post();
      const beside = await post();
      await expectProblem(beside, 409, "in-progress");
      expect(beside.headers.get("retry-after")).toBe("1");
      gate.resolve();
      expect(await first).toMatchObject({ status: 201 });
      expect(await post()).toMatchObject({ status: 201, text: '{"charge":1}' });
      expect(runs()).toBe(1);
    },
  },
  {
    section: "2.7",
    rule: "a request without a key that needs one is 400, with a link to the documentation",
    holds: async () => {
      const { post, runs } = startRoute(created, { documentation });
      await expectProblem(await post(null), 400, "key-missing");
      expect(runs()).toBe(0);
    },
  },
  {
    section: "2.7",
    rule: "a key with another payload is 422, with a link to the documentation, until it is corrected",
    holds: async () => {
      const { post } = startRoute(created, { documentation });
      await post();
      for (const _ of [1, 2]) await expectProblem(await post('"k"', { body: "{}" }), 422, "key-reused");
      expect(await post('"other"', { body: "{}" })).toMatchObject({ status: 201 });
    },
  },
  {
    section: "6",
    rule: "a format for keys can be fixed, and is checked before anything else is done",
    holds: async () => {
      const { post, server } = startRoute(created, { keyPattern: /^[0-9a-f-]{36}$/, documentation });
      await expectProblem(await post('"1 or 1=1"'), 400, "key-malformed");
      expect(server.calls).toEqual([]);
    },
  },
  {
    section: "6",
    rule: "a key is looked up together with what only the service knows of its client",
    holds: async () => {
      const { post, runs } = startRoute(created);
      await post('"1"', { headers: { "x-user": "ann" } });
      const other = await post('"1"', { headers: { "x-user": "ben" } });
      expect(other.headers.has("idempotency-replayed")).toBe(false);
      expect(runs()).toBe(2);
    },
  },
];

describe("the draft's rules", () => {
  test.each(RULES)("$section: $rule", ({ holds }) => holds());
});
