import { describe, expect, test } from "vitest";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { row } from "./rows.ts";
import { acquire, alarmOf, CANARY, call, generic, lives, readRefusal, useStand } from "./stand.ts";
import { encode, WIRE_NAMES } from "./wires.ts";

const { method } = IdempotencyService;
const stand = useStand();

const CHECK_VIOLATION = "23514";
const RESULT = { body: { case: "omittedReason", value: "" } } as const;

describe(`${row(95)}: the schema refuses`, () => {
  test.each([
    ["an unknown state", "state = 9"],
    ["a state of none", "state = 0"],
    ["an end that never was", "state = 3"],
    ["a fence of 0", "fence = 0"],
    ["half a token", "lease_token = '\\x00'"],
    ["an empty key", "key = ''"],
    ["a scope that is too long", "scope = repeat('s', 129)"],
    ["a result that is too large", "outcome = convert_to(repeat('x', 1310721), 'UTF8')"],
    ["a negative attempt", "attempt = -1"],
    ["half a suspect", "suspect_fence = 1"],
    ["a lease without end", "due = 'infinity'"],
  ])("%s", async (_, change) => {
    const key = newKey();
    await acquire(stand.wires.gRPC, { key });
    const changed = stand.sql.query(`update holdfast.record set ${change} where key = $1`, [key.key]);
    await expect(changed).rejects.toMatchObject({ code: CHECK_VIOLATION });
  });
});

describe.each(WIRE_NAMES)("%s", (name) => {
  test(`${row(95)}: what cannot be read is INTERNAL with a request id, an alarm in the log, and none of the bytes`, async () => {
    const wire = stand.wires[name];
    const key = newKey();
    const handle = await acquire(wire, { key });
    await call(wire, method.complete, { handle, result: RESULT });
    const spoilt = Buffer.concat([Buffer.from([0x0a, 0xff]), Buffer.from(CANARY)]);
    await stand.sql.query("update holdfast.record set outcome = $2 where key = $1", [key.key, spoilt]);

    const requests = [
      [generic(method.claim), encode(wire, method.claim, { key, claimId: newClaimId() })],
      [generic(method.getRecord), encode(wire, method.getRecord, { key, includeResult: true })],
    ] as const;
    for (const [rpc, request] of requests) {
      const answer = await wire.send(rpc, request);
      expect(readRefusal(answer)).toMatchObject({ code: "INTERNAL", reason: "INTERNAL", domain: "holdfast.v1" });
      expect(answer.received).not.toContain(CANARY);
      const alarm = await alarmOf(stand, answer);
      expect(alarm).toMatchObject({ message: "call failed", method: rpc.name, reason: "INTERNAL" });
    }
    expect(JSON.stringify(stand.server.lines)).not.toContain(CANARY);
    await lives(wire);
  });
});
