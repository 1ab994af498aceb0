import { isDeepStrictEqual } from "node:util";
import type { Store } from "../../src/store/store.ts";
import { fenceOf, OPERATOR } from "../support/operating.ts";
import { flagAsItIs } from "../support/records.ts";
import type { StoreUnderTest } from "./contract.ts";
import { type Call, createPlay, type Play } from "./random-play.ts";
import type { Step } from "./random-steps.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Where two stores part. Everything is in words: bytes as hex, fences with an n. */
export interface Difference {
  /** The index of the step, or "after the last step" for a record that is not the same in the end. */
  readonly at: number | "after the last step";
  readonly call: unknown;
  readonly first: unknown;
  readonly second: unknown;
}

export interface Run {
  /** Names keys, claim_ids and tokens: to be a different one for each run over the same stores. */
  readonly name: string;
  readonly keys: number;
  readonly steps: readonly Step[];
}

/**
 * Gives two stores the same calls, with the same tokens at the same instants, and compares every answer, and every
 * record and its history in the end. Stores may be used for many runs, as long as both have seen the same ones and nothing else: what a
 * sweep counts is compared too.
 *
 * @returns the first difference; null when they agree
 */
export async function runBoth(first: StoreUnderTest, second: StoreUnderTest, run: Run): Promise<Difference | null> {
  const play = createPlay(run.name, run.keys);
  second.setNow(first.now());
  for (const [at, step] of run.steps.entries()) {
    const seen = step.op === "time" && "key" in step ? await peekAt(first.store, play, step.key) : null;
    const call = play.callOf(step, first.now(), seen);
    if (call === null) continue;
    if (call.op === "time") {
      first.setNow(call.to);
      second.setNow(call.to);
      continue;
    }
    const answer = await answerOf(first.store, call);
    const difference = compare(at, call, answer, await answerOf(second.store, call), play);
    if (difference !== null) return difference;
    learn(play, call, answer);
  }
  return compareRecords(first.store, second.store, play);
}

async function compareRecords(first: Store, second: Store, play: Play): Promise<Difference | null> {
  for (const key of play.keys) {
    const call: Call = { op: "peek", key };
    const pair = [
      await first.history({ key, withOutcomes: true }, NEVER),
      await second.history({ key, withOutcomes: true }, NEVER),
    ] as const;
    const difference = compare("after the last step", call, ...pair, play);
    if (difference !== null) return difference;
  }
  return null;
}

/** More than there are records: which ones a smaller limit would take is left to the store. */
const SWEEP_LIMIT = 10_000;

async function answerOf(store: Store, call: Exclude<Call, { op: "time" }>): Promise<unknown> {
  try {
    switch (call.op) {
      case "claim":
        return await store.claim(call.call, NEVER);
      case "heartbeat":
        return await store.heartbeat(call.call, NEVER);
      case "finish":
        return await store.finish(call.call, NEVER);
      case "peek":
        return await store.peek(call.key, NEVER);
      case "watch":
        return await flagAsItIs(store, call.key);
      case "release":
        return await store.release({ ...OPERATOR, key: call.key, fence: await fenceOf(store, call.key) }, NEVER);
      case "reset":
        return await store.reset({ ...OPERATOR, ...call, fence: await fenceOf(store, call.key) }, NEVER);
      case "resolve":
        return await store.resolve({ ...OPERATOR, ...call, fence: await fenceOf(store, call.key) }, NEVER);
      case "purge":
        return await store.purge({ ...OPERATOR, ...call.key, force: call.force, limit: 10, after: null }, NEVER);
      case "sweep":
        return await store.sweep(SWEEP_LIMIT);
    }
  } catch (thrown) {
    return { thrown: String(thrown) };
  }
}

function learn(play: Play, call: Call, answer: unknown): void {
  if (call.op !== "claim" || typeof answer !== "object" || answer === null) return;
  const acquired = answer as Awaited<ReturnType<Store["claim"]>>;
  if (acquired.kind !== "acquired") return;
  const { key, lease, due } = acquired.record;
  play.learn({ key, proof: lease, due });
}

async function peekAt(store: Store, play: Play, index: number) {
  const key = play.keys[index % play.keys.length];
  if (key === undefined) throw new Error("bug: a run without keys");
  return (await store.peek(key, NEVER)).record;
}

function compare(at: Difference["at"], call: Call, first: unknown, second: unknown, play: Play): Difference | null {
  const [a, b] = [inWords(first, play), inWords(second, play)];
  return isDeepStrictEqual(a, b) ? null : { at, call: inWords(call, play), first: a, second: b };
}

/**
 * Bytes as hex, and a token that no caller ever sent as "nobody's": the token of an operator's action is the store's own
 * and given to nobody.
 */
function inWords(value: unknown, play: Play, name = ""): unknown {
  if (value instanceof Uint8Array) {
    return name === "token" && !play.knowsToken(value) ? "nobody's" : Buffer.from(value).toString("hex");
  }
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Map) return [...value].map((entry) => inWords(entry, play));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([part, inner]) => [part, inWords(inner, play, part)]));
}
