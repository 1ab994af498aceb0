import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { nameOf } from "../judge/judge.ts";
import type { SimulatedServer } from "../server/server.ts";
import type { Life } from "./person.ts";
import { NO_FINGERPRINT } from "./phone.ts";
import { endOf, inputOf } from "./worker.ts";

/** Looks at records now and then. */
export const reader: Life = async (self) => {
  while (!self.world.isClosing) {
    await self.rest(100, 1_000);
    await self.phone.getRecord(self.anyServer(), self.anyKey());
  }
};

/** Looks into unknown outcomes. */
export const reconciler: Life = async (self) => {
  const { phone, world } = self;
  const { time } = world;
  while (!world.isClosing) {
    await self.rest(100, 800);
    const key = self.anyKey();
    const seen = await phone.getRecord(self.anyServer(), key);
    if (seen.kind !== "answered" || seen.value.state !== "outcome-unknown") continue;
    const claimId = self.freshClaimId();
    for (let tries = 0; tries < 5; tries++) {
      const reply = await phone.claim(self.anyServer(), {
        ...{ key, claimId, fingerprint: NO_FINGERPRINT, leaseMs: time.whole(300, 1_500), intent: "reconcile" },
        ...{ reuse: "replay-all", policy: null, evidence: new Uint8Array(), externalRef: null, waitMs: 0 },
      });
      if (reply.kind === "lost") {
        await self.rest(10, 200);
        continue;
      }
      if (reply.kind !== "answered" || reply.value.kind !== "acquired") break;
      await self.rest(0, 600);
      if (time.chance(0.1)) break;
      const { lease } = reply.value.record;
      const kind = time.pick(["complete", "terminal", "not-started", "retryable", "outcome-unknown"] as const);
      const outcome = new TextEncoder().encode(`looked into by ${self.process.name} at ${time.nowMs()}`);
      const said = { kind, outcome, delayMs: 0, checkpoint: null };
      for (let sent = 0; sent < 4; sent++) {
        const told = await phone.finish(self.anyServer(), key, lease, said);
        if (told.kind !== "lost" && !(told.kind === "refused" && told.code === "STORE_UNAVAILABLE")) break;
        await self.rest(10, 200);
      }
      break;
    }
  }
};

/** Forces, resolves, resets and purges, as somebody does who means well. */
export const operator: Life = async (self) => {
  const { world, line } = self;
  const { time } = world;
  while (!world.isClosing) {
    await self.rest(400, 2_500);
    const key = self.anyKey();
    const what = time.pick(["release", "resolve", "reset", "purge"] as const);
    const force = time.chance(0.3);
    await line.call(
      self.anyServer(),
      `${what} ${nameOf(key)}${force ? " by force" : ""}`,
      5_000,
      async (app, caller) => {
        const input = { key, expectedFence: 0n, reason: "a simulated ticket" };
        switch (what) {
          case "release":
            return await app.release(caller, input);
          case "resolve": {
            const outcome = new TextEncoder().encode(`resolved at ${time.nowMs()}`);
            const kind = time.pick(["completed", "failed", "not-done"] as const);
            const verdict = kind === "not-done" ? ({ kind } as const) : { kind, outcome };
            return await app.resolve(caller, { ...input, verdict, force });
          }
          case "reset":
            return await app.reset(caller, { ...input, force, expectedState: null });
          case "purge":
            return await app.purge(caller, { ...key, force, reason: input.reason });
        }
      },
    );
  }
};

/** Now and then many come at once, to every server and for every record, and most of them let the lease lapse. */
export const crowd: Life = async (self) => {
  const { world, phone } = self;
  const { time } = world;
  const leases = new Map<RecordKey, Proof>();
  const claim = async (server: SimulatedServer, key: RecordKey, leaseMs: number) => {
    const reply = await phone.claim(server, {
      ...inputOf(self, key, "as-it-comes"),
      ...{ claimId: self.freshClaimId(), leaseMs, reuse: "replay-all", waitMs: time.chance(0.3) ? 500 : 0 },
    });
    if (reply.kind !== "answered" || reply.value.kind !== "acquired") return;
    leases.set(key, reply.value.record.lease);
    if (time.chance(0.3)) await phone.finish(server, key, reply.value.record.lease, endOf(self));
  };
  while (!world.isClosing) {
    await self.rest(200, 1_500);
    const leaseMs = time.whole(50, 400);
    await Promise.all(world.servers.flatMap((server) => CROWDED.map((key) => claim(server, key, leaseMs))));
    // Some of what they hold is theirs no more.
    const server = self.anyServer();
    const beats = [...leases].map(([key, proof]) =>
      phone.heartbeat(server, { key, proof, leaseMs, checkpoint: null, progress: null, externalRef: null }),
    );
    await Promise.all(beats);
  }
};

const CROWDED: readonly RecordKey[] = Array.from({ length: 6 }, (_, i) => ({
  tenant: "red",
  scope: "fair",
  key: `${i}`,
}));
