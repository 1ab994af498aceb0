import { describe, expect, test } from "vitest";
import { plainTenant } from "../../../src/domain/tenant.ts";
import { resetRecord } from "../../support/operating.ts";
import { fingerprintOf, NO_FINGERPRINT, POLICY } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { claim, faultWords, finish, keyOf, next, openStand, read, TENANTS, targetsOf } from "./wait-for-stand.ts";

const NOBODY = { calls: 0, waiters: 0, keys: 0 };

/** The payload of the claims here. */
const SAME = fingerprintOf("payload");
const OTHER = fingerprintOf("other payload");

const NOT_FOUND = "RECORD_NOT_FOUND: targets[0]: there is no such record";
const mismatchOf = (index: number) =>
  `FINGERPRINT_MISMATCH: targets[${index}]: the key was claimed with another payload; use a new key for other work`;

describe("a record that must exist", () => {
  test("fails the wait at once if it does not, and leaves nobody waiting", async () => {
    const { wait, hub } = openStand();
    expect(await read(wait({ mustExist: true })).news()).toEqual([NOT_FOUND]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("fails it before anything was told of the others", async () => {
    const { store, wait, hub } = openStand();
    await finish(store, await claim(store));
    const waiting = wait({ ...targetsOf(keyOf(), keyOf("other")), mode: "any", mustExist: true });
    expect(await read(waiting).news()).toEqual([NOT_FOUND.replace("0", "1")]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("fails it before anything was told of the others, though these are read sooner", async () => {
    const { store, wait, read: reads } = openStand();
    await claim(store);
    const [first, second] = [reads.stop("before", "peek"), reads.stop("before", "peek")];
    const reading = read(wait({ ...targetsOf(keyOf(), keyOf("other")), mustExist: true }));
    first.go();
    await second.reached;
    expect(await reading.news()).toEqual([]);
    second.go();
    expect(await reading.news()).toEqual([NOT_FOUND.replace("0", "1")]);
  });

  test("is waited for if it does, also when it goes", async () => {
    const { store, elsewhere, wait, clock } = openStand();
    await claim(store);
    await clock.advance(30_000 + POLICY.resultRetentionMs);
    const reading = read(wait({ mustExist: true }));
    expect(await reading.news()).toEqual(["0 snapshot in-progress", "0 lapsed 1"]);
    await elsewhere.sweep(1);
    await clock.advance(350);
    expect(await reading.news()).toEqual(["0 released 1"]);
  });
});

describe("another payload", () => {
  const withFingerprints = (...fingerprints: readonly (typeof SAME)[]) => ({
    targets: fingerprints.map((fingerprint, i) => ({ key: keyOf(`order-${i + 1}`), fingerprint })),
  });

  test("fails the wait at once", async () => {
    const { store, wait, hub } = openStand();
    await claim(store);
    expect(await read(wait(withFingerprints(OTHER))).news()).toEqual([mismatchOf(0)]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("fails it though the record has ended, or is expired", async () => {
    const { store, wait, clock } = openStand();
    await finish(store, await claim(store));
    expect(await read(wait(withFingerprints(OTHER))).news()).toEqual([mismatchOf(0)]);
    await clock.advance(24 * 3_600_000);
    expect(await read(wait(withFingerprints(OTHER))).news()).toEqual([mismatchOf(0)]);
  });

  test("fails it when an absent record is claimed with it", async () => {
    const { store, wait, hub } = openStand();
    const reading = read(wait(withFingerprints(NO_FINGERPRINT, OTHER)));
    expect(await reading.news()).toEqual(["0 snapshot absent", "1 snapshot absent"]);
    await claim(store, { key: keyOf("order-2") });
    expect(await reading.news()).toEqual([mismatchOf(1)]);
    expect(hub.status()).toEqual(NOBODY);
  });

  test("is left at once, also while the reader does not ask for more", async () => {
    const { store, wait, hub } = openStand();
    const waiting = wait(withFingerprints(OTHER, SAME));
    expect([await next(waiting), await next(waiting)]).toEqual(["0 snapshot absent", "1 snapshot absent"]);
    await claim(store);
    await settled();
    expect(hub.status()).toEqual({ calls: 1, waiters: 0, keys: 0 });
    expect(await next(waiting).catch(faultWords)).toBe(mismatchOf(0));
    expect(hub.status()).toEqual(NOBODY);
  });

  test("is none when it is the same, or empty", async () => {
    const { store, wait } = openStand();
    await claim(store);
    expect(await read(wait(withFingerprints(SAME))).news()).toEqual(["0 snapshot in-progress"]);
    expect(await read(wait(withFingerprints(NO_FINGERPRINT))).news()).toEqual(["0 snapshot in-progress"]);
  });

  test("is none of a record that a reset has unbound, until it is claimed", async () => {
    const { store, wait } = openStand();
    await claim(store);
    await resetRecord(store, keyOf(), true);
    const reading = read(wait(withFingerprints(OTHER)));
    expect(await reading.news()).toEqual(["0 snapshot available", "0 released 0"]);
    await claim(store);
    expect(await reading.news()).toEqual([mismatchOf(0)]);
  });
});

describe("a tenant's waits are counted", () => {
  const FULL = /^QUOTA_WAITERS: /;

  test("each record of each call, and a call that would be too many waits for none of its own", async () => {
    const { wait, hub } = openStand({ waitersMax: 4 });
    const reading = read(wait(targetsOf(keyOf("a"), keyOf("b"), { ...keyOf("c"), tenant: "" })));
    await reading.news();
    expect(hub.status()).toEqual({ calls: 1, waiters: 3, keys: 3 });
    expect(await read(wait(targetsOf(keyOf("a"), keyOf("b")))).news()).toEqual([expect.stringMatching(FULL)]);
    await read(wait()).news();
    expect(await read(wait()).news()).toEqual([expect.stringMatching(FULL)]);
    expect(hub.status()).toMatchObject({ calls: 2, waiters: 4 });
  });

  test("a call for two tenants counts for both", async () => {
    const { wait, hub } = openStand({ waitersMax: 1 });
    const theirs = { ...keyOf(), tenant: "acme" };
    await read(wait(targetsOf(keyOf(), theirs))).news();
    expect(hub.status().calls).toBe(2);
    expect(await read(wait(targetsOf(theirs))).news()).toEqual([expect.stringMatching(FULL)]);
    expect(hub.status()).toEqual({ calls: 2, waiters: 2, keys: 2 });
  });

  test("by its own limit if that is lower", async () => {
    const [tenant = plainTenant("default")] = TENANTS;
    const { wait } = openStand({}, [{ ...tenant, limits: { ...tenant.limits, waiters: 1 } }]);
    expect(await read(wait()).news()).toEqual(["0 snapshot absent"]);
    expect(await read(wait()).news()).toEqual([expect.stringMatching(FULL)]);
  });

  test("records too, and one too many leaves none of the call's others waited for", async () => {
    const { wait, hub } = openStand({ keysMax: 2 });
    const reading = read(wait(targetsOf(keyOf("a"), keyOf("b"), keyOf("c"))));
    expect(await reading.news()).toEqual([expect.stringMatching(FULL)]);
    await settled();
    expect(hub.status()).toEqual(NOBODY);
    expect(await read(wait(targetsOf(keyOf("a"), keyOf("b"), keyOf("a")))).news()).toHaveLength(3);
  });

  test("none is let in while the server shuts down", async () => {
    const { wait, hub } = openStand();
    hub.drain();
    expect(await read(wait()).news()).toEqual([expect.stringMatching(/^DRAINING: /)]);
    expect(hub.status()).toEqual(NOBODY);
  });
});

test("an unknown tenant among those of the targets fails the wait before any is waited for", async () => {
  const { wait, hub, read: reads } = openStand();
  const waiting = wait(targetsOf(keyOf(), { ...keyOf(), tenant: "nobody" }));
  expect(await read(waiting).news()).toEqual([expect.stringMatching(/^TENANT_NOT_FOUND: /)]);
  expect(reads.counts.peek).toBe(0);
  expect(hub.status()).toEqual(NOBODY);
});
