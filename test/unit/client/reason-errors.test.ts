import { readFileSync } from "node:fs";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { ErrorReasonSchema } from "../../../gen/holdfast/v1/errors_pb.ts";
import { OWN_ERRORS } from "../../../scripts/reason-errors/own-errors.ts";
import { errorsPage } from "../../../scripts/reason-errors/page.ts";
import { reasonsOf } from "../../../scripts/reason-errors/reasons.ts";
import { classesSource, errorsSource } from "../../../scripts/reason-errors/sources.ts";
import * as client from "../../../src/client/client.ts";
import { HoldfastError, toHoldfastError } from "../../../src/client/client.ts";
import { toLeaseError } from "../../../src/client/wire-error.ts";

const ROOT = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");
const PROTO = read("proto/holdfast/v1/errors.proto");
const REASONS = reasonsOf(PROTO);

/** As it comes from a server. */
function answer(reason: string, code = Code.FailedPrecondition): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "holdfast.v1" } };
  return new ConnectError("as a server says it", code, undefined, [info]);
}

describe("what is made from errors.proto", () => {
  test.each([
    ["src/client/reason-errors.ts", errorsSource(REASONS)],
    ["src/client/reason-classes.ts", classesSource(REASONS)],
    ["docs/clients/errors.md", errorsPage(REASONS)],
  ])("%s is what `node scripts/reason-errors.ts` writes", (path, source) => {
    expect(read(path)).toBe(source);
  });

  test("has a class for every reason of the enum, and no other", () => {
    const names = ErrorReasonSchema.values.map(({ name }) => name.replace("ERROR_REASON_", ""));
    expect(["UNSPECIFIED", ...REASONS.map(({ name }) => name)]).toEqual(names);
  });

  test("a reason whose comment does not begin with its code cannot be made a class of", () => {
    const broken = PROTO.replace("// NOT_FOUND. No such record.", "// No such record.");
    expect(() => reasonsOf(broken)).toThrow("ERROR_REASON_RECORD_NOT_FOUND");
  });
});

describe.each(REASONS)("$name", ({ name, className }) => {
  test("is told by an error of its own class, which is exported and says what to do", () => {
    const error = toHoldfastError(answer(name));
    expect(error).toBeInstanceOf((client as unknown as Record<string, new () => Error>)[className]);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ name: className, reason: name, message: `${name}: as a server says it` });
    expect(error.remedy).toMatch(/^[A-Z].{12,}\.$/);
  });
});

test("every class that the client throws is in the page's table, and nothing else is", () => {
  const bases = new Set(["HoldfastError"]);
  const exported = Object.keys(client).filter((name) => name.endsWith("Error") && /^[A-Z]/.test(name));
  const listed = [...REASONS, ...OWN_ERRORS].map(({ className }) => className);
  expect(exported.filter((name) => !bases.has(name)).sort()).toEqual([...listed].sort());
});

interface Vector {
  readonly name: string;
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | null;
  readonly violations: readonly { readonly field: string; readonly description: string }[];
  readonly error: string;
  readonly lease?: string;
  readonly why?: string;
}

describe("the vectors that all clients share", () => {
  const vectors = JSON.parse(read("conformance/vectors/errors.json")) as readonly Vector[];

  test.each(vectors)("$name", ({ code, reason, retryAfterMs, violations, error, lease = error, why }) => {
    const details = [
      ...(reason === "" ? [] : [{ desc: ErrorInfoSchema, value: { reason, domain: "holdfast.v1" } }]),
      ...(retryAfterMs === null ? [] : [{ desc: RetryInfoSchema, value: { retryDelay: duration(retryAfterMs) } }]),
      ...(violations.length === 0 ? [] : [{ desc: BadRequestSchema, value: { fieldViolations: [...violations] } }]),
    ];
    const wire = new ConnectError("as a server says it", code, undefined, details);
    const expected = { reason, code, retryAfterMs: retryAfterMs ?? undefined, violations };
    expect(toHoldfastError(wire)).toMatchObject({ ...expected, name: `${error}Error` });
    expect(toLeaseError(wire)).toMatchObject({ ...expected, name: `${lease}Error`, ...(why && { why }) });
  });
});

function duration(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

describe("a reason that is no name of this client's", () => {
  test.each(["SOMETHING_NEW", "constructor", "__proto__", "toString", "hasOwnProperty", "fail-open"])(
    "%s",
    (reason) => {
      for (const error of [toHoldfastError(answer(reason)), toLeaseError(answer(reason))]) {
        expect(error).toMatchObject({ name: "HoldfastError", reason, remedy: "" });
        expect(Object.getPrototypeOf(error)).toBe(HoldfastError.prototype);
      }
    },
  );
});

test.each([
  [Code.Unimplemented, "older than this client"],
  [Code.Unavailable, "addresses"],
  [Code.Unauthenticated, "proxies"],
  [Code.Internal, "proxies"],
])("an answer of code %s without a reason says where to look: %s", (code, text) => {
  const error = toHoldfastError(new ConnectError("<html>", code));
  expect(error).toMatchObject({ name: "TransportError", reason: "" });
  expect(error.remedy).toContain(text);
});
