import type { EndKind, Intent } from "../../../src/domain/calls.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { Policy, Proof, StoredRecord } from "../../../src/domain/record.ts";
import type { MutantName } from "../mutants.ts";

/** One state of everything: the database's rows, the servers, the network and the clients. Never changed in place. */
export interface World {
  /** The database's clock. */
  readonly now: Instant;
  /** The highest fence of any record that was deleted. */
  readonly floor: bigint;
  /** By key. */
  readonly records: readonly (StoredRecord | null)[];
  readonly clients: readonly Client[];
  /** On their way, at work in a server, or waiting there. */
  readonly calls: readonly Call[];
  /** By server, then by key. */
  readonly entries: readonly (readonly Entry[])[];
  /** Notifications that have not arrived yet: `noteOf(server, key)`. */
  readonly notes: readonly number[];
  readonly left: Budget;
}

/** How much of what goes wrong there is; a state knows what is left of it. */
export interface Budget {
  readonly ticks: number;
  readonly losses: number;
  readonly crashes: number;
  readonly beats: number;
}

export interface Client {
  readonly doing: "idle" | "claiming" | "holding" | "ending" | "done";
  /** Of the record that it works on; -1 until it has chosen one. */
  readonly key: number;
  /** Counts its calls; only the answer to the newest is heard. */
  readonly turn: number;
  /** Counts its claim_ids. */
  readonly nonce: number;
  readonly lease: Proof | null;
  readonly end: EndKind | null;
  /** The kind of its last answer, or its fault's code. */
  readonly told: string;
  /** The result that it was told, and of which attempt. */
  readonly replay: { readonly outcome: Uint8Array | null; readonly fence: bigint } | null;
  /** Its own end was acknowledged; the promise runs until then. */
  readonly acknowledgedUntil: Instant | null;
}

export interface Call {
  readonly by: number;
  readonly turn: number;
  readonly nonce: number;
  readonly what: "claim" | "finish" | "give-back";
  readonly at: number;
  /**
   * read ─▶ insert ─▶ tell           claim.sql
   *   └───▶ reclaim ─▶ take ─▶ tell  reclaim.sql, reconcile.sql
   * commit ─▶ tell                   finish.sql
   * tell ─▶ wait                     in the hub; promoted, it reads again
   */
  readonly step: "read" | "insert" | "reclaim" | "take" | "commit" | "too-late" | "tell" | "wait";
  /** What it was decided on, and when; in the end what it told of. */
  readonly seen: StoredRecord | null;
  readonly seenAt: Instant;
  readonly out: string;
  /** The hub submitted it. */
  readonly promoted: boolean;
  /** What a give-back proves itself with: the lease as it was granted. */
  readonly granted: { readonly proof: Proof; readonly due: Instant } | null;
}

/** What a server knows of a record that is waited for there: src/waiting/entry.ts. */
export interface Entry {
  readonly at: "off" | "peek" | "hear" | "claim" | "watch" | "rest";
  readonly rung: boolean;
  readonly seen: StoredRecord | null;
  readonly seenAt: Instant;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly servers: number;
  readonly keys: number;
  /** By client. */
  readonly intents: readonly Intent[];
  readonly ends: readonly EndKind[];
  readonly policy: Policy;
  readonly waits: boolean;
  /** Deletes what is forgotten. */
  readonly sweeps: boolean;
  /** What is waited for is read from time to time, though nobody has said that it changed. */
  readonly backstop: boolean;
  readonly notesGetLost: boolean;
  readonly budget: Budget;
}

/** What a step needs besides the world. */
export interface Rules {
  readonly scenario: Scenario;
  readonly mutant: MutantName | null;
}

/** What happened, in words that are joined when somebody reads them, and what came of it. */
export interface Step {
  readonly words: readonly unknown[];
  readonly next: World;
}

/** So early that no fence comes from the clock: as if it had been set back for good. */
export const START: Instant = -1_000_000_000;

export const NO_ENTRY: Entry = { at: "off", rung: false, seen: null, seenAt: START };

export function createWorld({ servers, keys, intents, budget }: Scenario): World {
  return {
    now: START,
    floor: 0n,
    records: Array.from({ length: keys }, () => null),
    clients: intents.map(() => ({
      ...({ doing: "idle", key: -1, turn: 1, nonce: 1, lease: null, end: null, told: "", replay: null } as const),
      acknowledgedUntil: null,
    })),
    calls: [],
    entries: Array.from({ length: servers }, () => Array.from({ length: keys }, () => NO_ENTRY)),
    notes: [],
    left: budget,
  };
}

export function noteOf(server: number, key: number): number {
  return server * NOTES_PER_SERVER + key;
}

const NOTES_PER_SERVER = 16;

export function clientOf(world: World, index: number): Client {
  const client = world.clients[index];
  if (client === undefined) throw new Error(`bug: there is no client ${index}`);
  return client;
}

export function entryOf(world: World, server: number, key: number): Entry {
  return world.entries[server]?.[key] ?? NO_ENTRY;
}

export function recordOf(world: World, key: number): StoredRecord | null {
  return world.records[key] ?? null;
}

export function withClient(world: World, index: number, change: Partial<Client>): World {
  return { ...world, clients: world.clients.with(index, { ...clientOf(world, index), ...change }) };
}

export function withRecord(world: World, key: number, record: StoredRecord | null): World {
  return record === recordOf(world, key) ? world : { ...world, records: world.records.with(key, record) };
}

export function withEntry(world: World, server: number, key: number, entry: Entry): World {
  const row = world.entries[server] ?? [];
  return { ...world, entries: world.entries.with(server, row.with(key, entry)) };
}

/** Null takes the call away. */
export function withCall(world: World, call: Call, next: Call | null): World {
  const others = world.calls.filter((other) => other !== call);
  return { ...world, calls: next === null ? others : [...others, next] };
}

export function spend(world: World, what: keyof Budget): World {
  return { ...world, left: { ...world.left, [what]: world.left[what] - 1 } };
}
