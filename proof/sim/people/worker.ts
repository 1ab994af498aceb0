import { msBetween } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Fingerprint, Proof } from "../../../src/domain/record.ts";
import type { ClaimInput } from "../../../src/operations/claim.ts";
import type { ClaimOutcome } from "../../../src/operations/claim-outcome.ts";
import type { Said } from "../../../src/operations/finish.ts";
import type { SimulatedServer } from "../server/server.ts";
import { type Life, policyOf, type Self } from "./person.ts";
import { NO_FINGERPRINT } from "./phone.ts";

/** Has work for records: claims, works, ends; and asks again whatever it does not know the answer of. */
export const worker: Life = async (self) => {
  await self.rest(0, 500);
  while (!self.world.isClosing) {
    const isOver = await doOne(self, self.anyKey());
    await self.rest(0, isOver ? 600 : 300);
  }
};

/** When all others have left: sees to it that the record comes to an end. */
export function closer(key: RecordKey): Life {
  return async (self) => {
    while (!(await doOne(self, key, "surely"))) await self.sleep(50);
  };
}

type Effort = "as-it-comes" | "surely";

/** What means that the same claim again is needed, for nobody knows what became of it, or nothing did. */
const AGAIN: ReadonlySet<string> = new Set([
  ...["STORE_UNAVAILABLE", "OVERLOADED", "DRAINING", "DEADLINE_EXCEEDED", "QUOTA_WAITERS"],
]);

const ANOTHER = "another payload";

/** True: the record has ended. */
async function doOne(self: Self, key: RecordKey, effort: Effort = "as-it-comes"): Promise<boolean> {
  const { world, phone } = self;
  const { time } = world;
  let claimId = self.freshClaimId();
  let input = inputOf(self, key, effort);
  for (let tries = 0; ; tries++) {
    if (effort === "as-it-comes" && tries > 0 && (world.isClosing || time.chance(0.05))) return false;
    const server = self.anyServer();
    const waitMs = time.pick(world.weather.waitsMs);
    const reply = await phone.claim(server, { ...input, claimId, waitMs });
    if (reply.kind === "lost" || (reply.kind === "refused" && AGAIN.has(reply.code))) {
      await self.rest(10, 200);
      if (world.mutation.freshNonce) {
        const before = claimId;
        claimId = self.freshClaimId();
        world.ghosts.rename(before, claimId);
      }
      continue;
    }
    if (reply.kind === "refused") {
      if (reply.code !== "CLAIM_ENDED" && effort === "as-it-comes") return false;
      if (reply.code === "FINGERPRINT_MISMATCH") input = { ...input, fingerprint: fingerprintOf(ANOTHER) };
      claimId = self.freshClaimId();
      continue;
    }
    const told = reply.value;
    if (world.ghosts.isOwn(claimId, told))
      world.judge.accuse(`${self.process.name} is kept waiting by its own earlier try`);
    switch (told.kind) {
      case "acquired":
        return await work(self, told, server, effort);
      case "completed":
      case "failed":
      case "expired":
        return true;
      case "outcome-unknown":
        if (effort === "as-it-comes") return false;
        await settle(self, key);
        claimId = self.freshClaimId();
        break;
      case "in-progress":
      case "retry-scheduled":
        if (effort === "as-it-comes" && time.chance(0.4)) return false;
        await self.sleep(Math.min(300, Math.max(5, msBetween(told.now, told.record.due))));
    }
  }
}

/** What a claim says of its work. */
export function inputOf(self: Self, key: RecordKey, effort: Effort): Omit<ClaimInput, "claimId" | "waitMs"> {
  const { time } = self.world;
  const isSure = effort === "surely";
  // What is under one key is one payload; now and then somebody mistakes it for another.
  const payload = !isSure && time.chance(0.03) ? ANOTHER : `${key.scope}/${key.key}`;
  return {
    key,
    fingerprint: fingerprintOf(payload),
    leaseMs: time.whole(...self.world.weather.leaseMs),
    intent: "execute",
    reuse: isSure ? "replay-all" : time.pick(["replay-all", "replay-all", "replay-all", "retry-failed", "reject"]),
    policy: policyOf(self.world, key),
    evidence: new TextEncoder().encode(self.process.name),
    externalRef: null,
  };
}

function fingerprintOf(payload: string): Fingerprint {
  return { algorithm: "sha-256", digest: new TextEncoder().encode(payload.padEnd(32, "_")) };
}

/** Holds the lease, and ends it one way or another. */
async function work(self: Self, told: ClaimOutcome, server: SimulatedServer, effort: Effort): Promise<boolean> {
  const { world } = self;
  const { time, counts } = world;
  const { key, lease } = told.record;
  counts.acquired++;
  if (told.kind === "acquired" && told.reason === "reattached") counts.reattached++;
  if (told.kind === "acquired" && told.reason === "takeover") counts.takenOver++;
  if (told.waitedMs > 0) counts.promoted++;
  const isSure = effort === "surely";
  const beats = isSure ? 0 : time.whole(0, 2);
  let sequence = told.record.checkpointSequence;
  for (let beat = 0; beat < beats; beat++) {
    await self.rest(0, 500);
    if (time.chance(0.3)) sequence++;
    if (!(await extend(self, key, lease, sequence, told.record.checkpointSequence))) return false;
  }
  await self.rest(0, isSure ? 20 : 500);
  if (!isSure && time.chance(0.08)) return false; // It forgets about it.
  if (!isSure && time.chance(0.1)) await self.sleep(time.between(500, 3_000)); // Longer than the lease, perhaps.
  if (!isSure && time.chance(0.06)) await confuse(self, key, lease);
  const said = isSure ? resultOf(self) : endOf(self);
  return (await end(self, key, lease, said, server)) && (said.kind === "complete" || said.kind === "terminal");
}

async function extend(self: Self, key: RecordKey, proof: Proof, sequence: bigint, known: bigint): Promise<boolean> {
  const { time } = self.world;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const reply = await self.phone.heartbeat(self.anyServer(), {
    ...{ key, proof },
    leaseMs: time.whole(...self.world.weather.leaseMs),
    checkpoint: sequence > known ? { sequence, encoded: bytes(`${self.process.name} ${sequence}`) } : null,
    progress: time.chance(0.5) ? bytes(`${time.nowMs()}`) : null,
    externalRef: time.chance(0.1) ? `at ${self.process.name}` : null,
  });
  return reply.kind !== "refused" || AGAIN.has(reply.code);
}

/** Until it is known what became of it. */
async function end(self: Self, key: RecordKey, proof: Proof, said: Said, first: SimulatedServer): Promise<boolean> {
  const { time } = self.world;
  for (let server = first; ; server = self.anyServer()) {
    const reply = await self.phone.finish(server, key, proof, said);
    if (reply.kind === "answered") {
      if (time.chance(0.05))
        await self.phone.finish(self.anyServer(), key, proof, time.chance(0.5) ? said : endOf(self));
      return true;
    }
    if (reply.kind === "refused" && !AGAIN.has(reply.code)) return false;
    if (time.chance(0.05) && !self.world.isClosing) return false;
    await self.rest(10, 200);
  }
}

/** A call with half of one proof and half of another, as a caller makes it that mixes up two leases. */
async function confuse(self: Self, key: RecordKey, { token, fence }: Proof): Promise<void> {
  const { time } = self.world;
  const proof = time.chance(0.5)
    ? { token, fence: fence + (time.chance(0.5) ? 1n : -1n) }
    : { token: Uint8Array.from(token, (byte) => byte ^ 1), fence };
  await self.phone.finish(self.anyServer(), key, proof, endOf(self));
}

/** Nobody else is there to say what became of it. */
async function settle(self: Self, key: RecordKey): Promise<void> {
  const reply = await self.phone.claim(self.anyServer(), {
    ...inputOf(self, key, "surely"),
    ...{ intent: "reconcile", fingerprint: NO_FINGERPRINT, claimId: self.freshClaimId(), waitMs: 0 },
  });
  if (reply.kind === "answered" && reply.value.kind === "acquired") {
    await end(self, key, reply.value.record.lease, resultOf(self), self.anyServer());
  } else await self.sleep(100);
}

function resultOf(self: Self): Said {
  const outcome = new TextEncoder().encode(`done by ${self.process.name} at ${self.world.time.nowMs()}`);
  return { kind: "complete", outcome, delayMs: 0, checkpoint: null };
}

/** One end or another. */
export function endOf(self: Self): Said {
  const { time } = self.world;
  const fate = time.random();
  if (fate < 0.4) return resultOf(self);
  const outcome = time.chance(0.5) ? new TextEncoder().encode(`error at ${time.nowMs()}`) : null;
  const kind = fate < 0.6 ? "retryable" : fate < 0.8 ? "not-started" : fate < 0.9 ? "terminal" : "outcome-unknown";
  const isDelayed = (kind === "retryable" || kind === "not-started") && time.chance(0.5);
  return { kind, outcome, delayMs: isDelayed ? time.whole(1, 1_000) : 0, checkpoint: null };
}
