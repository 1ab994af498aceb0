import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeError } from "../../../conformance/drivers/typescript/errors.ts";
import { createOperations } from "../../../conformance/drivers/typescript/operations.ts";
import { makeVectors } from "../../../conformance/make-vectors.ts";
import { vectorsOf } from "../../../conformance/vectors.ts";
import { ErrorReason } from "../../../gen/holdfast/v1/errors_pb.ts";

const { run } = createOperations(() => undefined);
const ask = (op: string, fields: object) => run(1, op, fields).catch(describeError);

test("the files are what the script makes of what is written by hand and published elsewhere", () => {
  for (const [name, text] of makeVectors()) {
    expect(readFileSync(`conformance/vectors/${name}`, "utf8"), name).toBe(text);
  }
});

test("every reason that a server can give has its class", () => {
  const reasons = Object.keys(ErrorReason).filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED");
  const told = vectorsOf("errors").map(({ ask }) => ask["reason"]);
  expect(reasons.filter((reason) => !told.includes(reason))).toEqual([]);
});

describe.each(["fingerprints", "keys", "retries", "errors"] as const)("the TypeScript client, by %s.json:", (file) => {
  test.each(vectorsOf(file))("$name", async ({ op, ask: fields, expected }) => {
    expect(await ask(op, fields)).toMatchObject(expected);
  });
});
