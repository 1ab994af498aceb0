import { expect, test } from "vitest";
import type { HeartbeatCall } from "../../../../src/domain/calls.ts";
import { followHeartbeat } from "../../../../src/store/postgres/heartbeat.ts";
import { bytes, heartbeatOf, NOW, proofOf } from "../../../support/records.ts";

const leader = heartbeatOf({ leaseMs: 30_000 });
const answer = { kind: "extended", due: NOW + 1, hasWaiters: false, now: NOW } as const;
const follow = (change: Partial<HeartbeatCall>) =>
  followHeartbeat(answer, leader, heartbeatOf({ leaseMs: 30_000, ...change }));

test("a bare heartbeat of the same lease is answered by the one before it", () => {
  expect(follow({})).toBe(answer);
  expect(follow({ leaseMs: 1_000 })).toBe(answer);
});

test.each([
  ["asks for a longer lease", { leaseMs: 30_001 }],
  ["proves another attempt", { proof: proofOf("another", leader.proof.fence) }],
  ["proves another fence", { proof: { ...leader.proof, fence: leader.proof.fence + 1n } }],
  ["carries progress", { progress: bytes("half") }],
  ["carries a checkpoint", { checkpoint: { sequence: 1n, encoded: bytes("cp") } }],
  ["carries an external reference", { externalRef: "charge-1" }],
] as const)("a heartbeat that %s is sent itself", (_what, change) => {
  expect(follow(change)).toBeNull();
});
