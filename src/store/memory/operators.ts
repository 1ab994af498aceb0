import type { Instant } from "../../domain/instant.ts";
import { compareKeys, type RecordKey } from "../../domain/key.ts";
import { isForgotten, type StoredRecord } from "../../domain/record.ts";
import {
  decideRelease,
  decideReset,
  decideResolve,
  isHeld,
  type OperatorDecision,
} from "../../domain/reducer/operator.ts";
import type {
  ChangeNote,
  OperatorAnswer,
  OperatorCall,
  OperatorStore,
  PurgeCall,
  RecordHistory,
} from "../operator-store.ts";
import { listPage } from "./listing.ts";
import { detached, type Shelf } from "./shelf.ts";

export interface OperatorsDeps {
  readonly shelf: Shelf;
  readonly now: () => Instant;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** What is kept of a line of the audit log: what histories show, and what a purge blots out. */
interface Line {
  readonly note: ChangeNote;
  readonly key: RecordKey | null;
}

/** The operators' part of the store. */
export function createOperators({ shelf, now, newToken }: OperatorsDeps): OperatorStore {
  const lines = new Map<bigint, Line>();
  // As in a fresh database, where the first number stands for its creation.
  let auditSequence = 1n;

  const log = ({ actor, reason }: ChangeNote, key: RecordKey | null) => {
    auditSequence++;
    lines.set(auditSequence, { note: { actor, reason }, key });
    return auditSequence;
  };

  const redact = (isGone: (key: RecordKey) => boolean): number => {
    const told = [...lines].filter(([, { key }]) => key !== null && isGone(key));
    for (const [sequence, line] of told) lines.set(sequence, { ...line, key: null });
    return told.length;
  };

  const change = (
    call: OperatorCall,
    decide: (stored: StoredRecord | null, token: Uint8Array, at: Instant) => OperatorDecision,
  ): OperatorAnswer => {
    const at = now();
    const stored = shelf.read(call.key);
    const { refusal, next } = decide(stored, newToken(), at);
    if (refusal !== null) {
      return { kind: "refused", why: refusal, record: refusal === "absent" ? null : withoutContent(stored), now: at };
    }
    if (next === null) throw new Error("bug: a change that was not refused leaves no record");
    const sequence = log(call, call.key);
    shelf.write(next, at, { auditSequence: sequence });
    return { kind: "changed-record", record: withoutContent(next), auditSequence: sequence, now: at };
  };

  return {
    list: async (query) => detached(listPage(shelf.all(), query, now())),

    async history({ key, withOutcomes }) {
      const at = now();
      const record = shelf.read(key);
      if (record === null || isForgotten(record, at)) return null;
      const events = shelf.events(key);
      const named = events.flatMap(({ auditSequence: sequence }) => {
        const note = sequence === null ? undefined : lines.get(sequence)?.note;
        return sequence === null || note === undefined ? [] : [[sequence, note] as const];
      });
      const told = { record, events, notes: new Map(named), now: at };
      return withOutcomes ? told : withoutOutcomes(told);
    },

    release: async (call) => change(call, (stored, token, at) => decideRelease(stored, call, token, at)),
    resolve: async (call) => change(call, (stored, token, at) => decideResolve(stored, call, token, at)),
    reset: async (call) => change(call, (stored, token, at) => decideReset(stored, call, token, at)),

    async purge(call) {
      const at = now();
      const found = shelf
        .all()
        .filter(({ key }) => isCovered(key, call))
        .toArray()
        .sort((a, b) => compareKeys(a.key, b.key));
      const looked = found.slice(0, call.limit);
      const gone = looked.filter((record) => call.force || !isHeld(record, at));
      for (const record of gone) shelf.remove(record);
      const last = looked.at(-1);
      const next =
        last === undefined || looked.length < call.limit ? null : { scope: last.key.scope, key: last.key.key };
      const redacted = redact(
        (key) =>
          isCovered(key, call) &&
          (next === null || compareKeys(key, { tenant: call.tenant, ...next }) <= 0) &&
          !looked.some((record) => compareKeys(record.key, key) === 0 && !gone.includes(record)),
      );
      if (gone.length + redacted > 0) log(call, null);
      return { keys: gone.map(({ key }) => key), redacted, held: looked.length - gone.length, next };
    },
  };
}

function withoutContent<Found extends StoredRecord | null>(record: Found): Found {
  return record === null ? record : { ...record, outcome: null, checkpoint: null };
}

const THERE = new Uint8Array();

function withoutOutcomes({ record, events, ...others }: RecordHistory): RecordHistory {
  return {
    ...others,
    record: { ...record, outcome: record.outcome && THERE },
    events: events.map((event) => ({ ...event, error: event.error && THERE })),
  };
}

function isCovered(named: RecordKey, { tenant, scope, key, after }: PurgeCall): boolean {
  if (named.tenant !== tenant || (scope !== null && named.scope !== scope)) return false;
  if (key !== null && named.key !== key) return false;
  return after === null || compareKeys(named, { tenant, ...after }) > 0;
}
