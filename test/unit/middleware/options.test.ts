import { expect, test } from "vitest";
import { defaultDisposition, type IdempotencyOptions, settle } from "../../../src/middleware/http/options.ts";

const principal = () => "";

test.each([
  [{ principal: undefined }, 'principal must be a function; where all requests are one caller\'s, () => ""'],
  [{ principal: "user" }, "principal must be a function"],
  [{ waitMs: -1 }, "waitMs must be 0 to 60000"],
  [{ waitMs: 60_001 }, "waitMs must be 0 to 60000"],
  [{ waitMs: Number.NaN }, "waitMs must be 0 to 60000"],
  [{ answerTimeoutMs: 0 }, "answerTimeoutMs must be 1 to 2147483647"],
  [{ keyLengthMax: 256 }, "keyLengthMax must be 1 to 255"],
  [{ keySyntax: "token" }, 'keySyntax must be "any" or "string"'],
  [{ keyPattern: "^a" }, "keyPattern must be a RegExp without the flags g and y"],
  [{ keyPattern: /a/g }, "keyPattern must be a RegExp without the flags g and y"],
  [{ whenUnavailable: "open" }, 'whenUnavailable must be "fail-closed" or "fail-open"'],
  [{ whenUnavailable: "fail-open", onLeaseExpiry: "hold" }, 'whenUnavailable "fail-open" runs handlers twice'],
  [{ onLeaseExpiry: "keep" }, 'onLeaseExpiry must be "reacquire" or "hold"'],
  [{ leaseMs: 10 }, "leaseMs must be 1000 to 3600000"],
  [{ maxAttempts: 5000 }, "maxAttempts must be 0 to 1000"],
  [{ onDisconnect: "stop" }, 'onDisconnect must be "finish" or "abort"'],
  [{ requestBytesMax: 1.5 }, "requestBytesMax must be 0 to 9007199254740991"],
  [{ responseBytesMax: 1024 * 1024 }, "responseBytesMax must be 0 to 1040384"],
  [{ replayedHeaders: ["Set-Cookie"] }, "set-cookie is never replayed"],
  [{ documentation: "/docs" }, "documentation must be a URL of http or https"],
  [{ documentation: 'https://a/"><b' }, "documentation must be a URL of http or https"],
])("%o is refused, and told how it can be", (options, message) => {
  expect(() => settle({ principal, ...options } as IdempotencyOptions<unknown>)).toThrow(message);
});

test("methods that are safe pass, unless others are named", () => {
  const { protects } = settle({ principal });
  expect(["GET", "HEAD", "OPTIONS", "TRACE"].map(protects)).toEqual([false, false, false, false]);
  expect(["POST", "PATCH", "PUT", "DELETE"].map(protects)).toEqual([true, true, true, true]);
  const named = settle({ principal, methods: ["post"] });
  expect(["POST", "PUT"].map(named.protects)).toEqual([true, false]);
});

test.each([
  [200, "store", "store"],
  [302, "store", "store"],
  [400, "store", "store"],
  [402, "store", "store"],
  [403, "store", "store"],
  [404, "store", "store"],
  [422, "store", "store"],
  [401, "retryable", "retryable"],
  [408, "retryable", "retryable"],
  [409, "retryable", "retryable"],
  [423, "retryable", "retryable"],
  [425, "retryable", "retryable"],
  [429, "retryable", "retryable"],
  [500, "retryable", "outcome-unknown"],
  [503, "retryable", "outcome-unknown"],
] as const)("an answer of %d is: %s under reacquire, %s under hold", (status, reacquire, hold) => {
  const response = { status, headers: [], body: new Uint8Array() };
  expect(defaultDisposition("reacquire")(response)).toBe(reacquire);
  expect(defaultDisposition("hold")(response)).toBe(hold);
});
