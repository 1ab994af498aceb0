import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { FailKind, type LeaseHandle } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { errorTold } from "../../history/outputs.ts";
import { claimOf, completeOf, handleOf, type Key, openCallers } from "../calls.ts";
import { metricOf } from "../crowd.ts";
import type { Row } from "../row.ts";

/**
 * Of this tenant results are kept for two seconds, which is less than a claim or a registration may ask for: so it stands
 * in the table, where the servers find it as the default of the tenant, and the claims leave it open.
 */
const TENANT = "fleeting";
const RETENTION_MS = 2_000;
const LEASE_MS = 1_500;
const BEAT_MS = 300;
/** Longer than anything of theirs is kept. */
const LIVE_MS = RETENTION_MS + 1_500;
const LOOK_MS = 100;
const LOOKS_MAX = 600;
const RECORDS = 90;

/**
 * Records are forgotten within seconds and made anew under the same keys, while those who held them before they were
 * forgotten try their old tokens again and again, and those who hold them now hold on for longer than the retention.
 */
export const oldTokens: Row = {
  id: "F30",
  fault: "old tokens are used again on records that were purged and made anew",
  stand: { serverArgs: ["--sweep-interval", "100ms"] },
  // Nobody waits here.
  load: { callers: 6, waitShare: 0 },
  unjudged: ["V5"],
  times: { short: 1, full: 60 },
  control: { kind: "mutant", mutant: "M15", fails: /live leases that were purged/ },
  async inject({ stand, recorder, scope, times, figure, say }) {
    await stand.primary.sql(
      `insert into holdfast.tenant (id, result_retention_ms, tombstone_retention_ms) values ('${TENANT}', ${RETENTION_MS}, 0)
         on conflict do nothing`,
    );
    using callers = openCallers(recorder, "f30");
    const told = { tried: 0, accepted: 0, denied: 0, sunken: 0, purged: 0, beats: 0, forgotten: 0 };
    for (let round = 0; round < times; round++) {
      const rpcs = stand.servers.map((server) => callers.open(server, { beneath: withoutPolicy }));
      const lives = Array.from({ length: RECORDS }, (_, i) => {
        const rpc = (turn: number) => rpcs[(i + turn) % rpcs.length] as Rpc;
        return live({ rpc, told, key: { tenant: TENANT, scope, key: `old-${round}-${i}` }, kind: i % 3 });
      });
      await Promise.all(lives);
      say(
        `F30: round ${round + 1} of ${times}: ${told.tried} tries with old tokens, ${told.forgotten} records forgotten`,
      );
    }
    figure({
      name: "records forgotten and made anew",
      value: told.forgotten,
      unit: "",
      must: { atLeast: times * RECORDS },
    });
    figure({ name: "old tokens tried", value: told.tried, unit: "calls" });
    figure({ name: "old tokens refused", value: told.denied, unit: "calls", must: { atLeast: times * RECORDS } });
    figure({ name: "old tokens that were accepted", value: told.accepted, unit: "calls", must: { atMost: 0 } });
    figure({ name: "fences that did not rise", value: told.sunken, unit: "", must: { atMost: 0 } });
    figure({ name: "heartbeats of live leases", value: told.beats, unit: "calls", must: { atLeast: times * RECORDS } });
    figure({ name: "live leases that were purged", value: told.purged, unit: "", must: { atMost: 0 } });
    const swept = (action: string) => metricOf(stand.servers, "holdfast_swept_records_total", { action });
    figure({ name: "records swept", value: (await swept("forgotten")) + (await swept("abandoned")), unit: "" });
  },
};

interface Told {
  tried: number;
  accepted: number;
  denied: number;
  sunken: number;
  purged: number;
  beats: number;
  forgotten: number;
}

interface Life {
  /** Another server at each turn. */
  rpc(turn: number): Rpc;
  readonly told: Told;
  readonly key: Key;
  /** How the first holder lets go: 0 completes, 1 fails so that it can be had again, 2 is never heard of again. */
  readonly kind: number;
}

async function live(life: Life): Promise<void> {
  const { rpc, told, key, kind } = life;
  const old = await firstHolder(life);
  await untilForgotten(life);
  told.forgotten++;
  await tryAll(life, old);
  const sentMs = performance.now();
  const heir = handleOf(await rpc(1).claim({ ...claimOf(key, { leaseMs: LEASE_MS }), policy: POLICY }));
  if (heir.fence <= old.fence) told.sunken++;
  const holding = { isOver: false };
  const tries = tryOn(life, old, holding);
  await hold(life, heir, sentMs);
  holding.isOver = true;
  await tries;
  await endBy(life, heir, kind).catch((error) => {
    if (!isGone(error)) throw error;
  });
  await tryAll(life, old);
}

const POLICY = { resultRetention: millis(RETENTION_MS), tombstoneRetention: millis(0) };

async function firstHolder(life: Life): Promise<LeaseHandle> {
  const { rpc, told, key, kind } = life;
  const handle = handleOf(await rpc(0).claim({ ...claimOf(key, { leaseMs: LEASE_MS }), policy: POLICY }));
  await endBy(life, handle, kind).catch((error) => {
    if (!isGone(error)) throw error;
    told.purged++;
  });
  return handle;
}

async function endBy({ rpc, key }: Life, handle: LeaseHandle, kind: number): Promise<void> {
  if (kind === 0) await rpc(2).complete(completeOf(handle, `of ${key.key}, fence ${handle.fence}`));
  if (kind === 1) await rpc(2).fail({ handle, kind: FailKind.RETRYABLE, error: { code: 13 } });
}

/** Nobody else claims it: it is gone only if it was taken from under its holder. */
function isGone(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.NotFound || code === Code.Aborted;
}

async function untilForgotten({ rpc, key }: Life): Promise<void> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const isThere = await rpc(look)
      .getRecord({ key })
      .then(
        () => true,
        (error) => ConnectError.from(error).code !== Code.NotFound,
      );
    if (!isThere) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`${key.key} was not forgotten in a minute`);
}

/** Beats, and sees whether the lease is still there. */
async function hold({ rpc, told }: Life, handle: LeaseHandle, claimedMs: number): Promise<void> {
  const untilMs = performance.now() + LIVE_MS;
  let beatenMs = claimedMs;
  for (let turn = 0; performance.now() < untilMs; turn++) {
    await sleep(BEAT_MS);
    const sentMs = performance.now();
    const isPurged = await rpc(turn)
      .heartbeat({ handle, lease: millis(LEASE_MS) })
      .then(() => false, isGone);
    told.beats++;
    if (!isPurged) beatenMs = sentMs;
    // A machine that stalls for seconds lets it run out.
    else if (performance.now() < beatenMs + LEASE_MS + RETENTION_MS) told.purged++;
    if (isPurged) return;
  }
}

async function tryOn(life: Life, old: LeaseHandle, holding: { readonly isOver: boolean }): Promise<void> {
  while (!holding.isOver) {
    await tryAll(life, old);
    await sleep(LOOK_MS * 4);
  }
}

/** In every way in which a token can be used. */
async function tryAll({ rpc, told, key }: Life, handle: LeaseHandle): Promise<void> {
  const tries = [
    rpc(0).heartbeat({ handle, lease: millis(LEASE_MS) }),
    rpc(1).complete(completeOf(handle, `again by the first holder of ${key.key}`)),
    rpc(2).fail({ handle, kind: FailKind.RETRYABLE, error: { code: 13, message: "again" } }),
  ];
  told.tried += tries.length;
  for (const ending of await Promise.allSettled<unknown>(tries)) {
    if (ending.status === "fulfilled") told.accepted++;
    else if (isDenied(ending.reason)) told.denied++;
  }
}

/** By the contract's own words. Anything else, say that the server is busy, says nothing about the token. */
function isDenied(error: unknown): boolean {
  const { kind, reason = "" } = errorTold(ConnectError.from(error), 0).output;
  return kind === "refused" && DENIALS.has(reason);
}

const DENIALS: ReadonlySet<string> = new Set(["LEASE_SUPERSEDED", "LEASE_TOKEN_INVALID", "RECORD_NOT_FOUND"]);

/** The history is told the retention that stands in the table; the servers are left to find it there. */
function withoutPolicy(transport: Transport): Transport {
  return {
    ...transport,
    unary: (method, signal, timeoutMs, headers, input, values) => {
      const left = method.localName === "claim" ? { ...input, policy: undefined } : input;
      return transport.unary(method, signal, timeoutMs, headers, left, values);
    },
  };
}
