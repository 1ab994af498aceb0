import type { Instant } from "../../domain/instant.ts";
import { compareKeys, type RecordKey } from "../../domain/key.ts";
import { isForgotten } from "../../domain/record.ts";
import {
  decideRelease,
  decideReset,
  decideResolve,
  isHeld,
  type OperatorDecision,
} from "../../domain/reducer/operator.ts";
import type { ChangeNote, OperatorAnswer, OperatorCall, OperatorStore, PurgeCall } from "../operator-store.ts";
import { listPage } from "./listing.ts";
import { detached, type Shelf } from "./shelf.ts";

export interface OperatorsDeps {
  readonly shelf: Shelf;
  readonly now: () => Instant;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
}

/** The operators' part of the store. Of the audit log it keeps what histories show: who, and why. */
export function createOperators({ shelf, now, newToken }: OperatorsDeps): OperatorStore {
  const notes = new Map<bigint, ChangeNote>();
  // As in a fresh database, where the first number stands for its creation.
  let auditSequence = 1n;

  const log = ({ actor, reason }: ChangeNote) => {
    auditSequence++;
    notes.set(auditSequence, { actor, reason });
    return auditSequence;
  };

  const change = (call: OperatorCall, { refusal, next }: OperatorDecision, at: Instant): OperatorAnswer => {
    if (refusal !== null) return { kind: "refused", why: refusal, now: at };
    if (next === null) throw new Error("bug: a change that was not refused leaves no record");
    const sequence = log(call);
    shelf.write(next, at, { auditSequence: sequence });
    const record = { ...next, outcome: null, checkpoint: null };
    return { kind: "changed-record", record, auditSequence: sequence, now: at };
  };

  return {
    list: async (query) => detached(listPage(shelf.all(), query, now())),

    async history(key) {
      const at = now();
      const record = shelf.read(key);
      if (record === null || isForgotten(record, at)) return null;
      const events = shelf.events(key);
      const named = events.flatMap(({ auditSequence: sequence }) => {
        const note = sequence === null ? undefined : notes.get(sequence);
        return sequence === null || note === undefined ? [] : [[sequence, note] as const];
      });
      return { record, events, notes: new Map(named), now: at };
    },

    async release(call) {
      const at = now();
      return change(call, decideRelease(shelf.read(call.key), call, newToken(), at), at);
    },

    async resolve(call) {
      const at = now();
      return change(call, decideResolve(shelf.read(call.key), call, newToken(), at), at);
    },

    async reset(call) {
      const at = now();
      return change(call, decideReset(shelf.read(call.key), call, newToken(), at), at);
    },

    async purge(call) {
      const at = now();
      const found = shelf
        .all()
        .filter(({ key }) => isCovered(key, call))
        .toArray()
        .sort((a, b) => compareKeys(a.key, b.key));
      const looked = found.slice(0, call.limit);
      const gone = looked.filter((record) => call.force || !isHeld(record, at));
      if (gone.length > 0) log(call);
      for (const record of gone) shelf.remove(record);
      const last = looked.at(-1);
      return {
        keys: gone.map(({ key }) => key),
        held: looked.length - gone.length,
        next: last === undefined || looked.length < call.limit ? null : { scope: last.key.scope, key: last.key.key },
      };
    },
  };
}

function isCovered(named: RecordKey, { tenant, scope, key, after }: PurgeCall): boolean {
  if (named.tenant !== tenant || (scope !== null && named.scope !== scope)) return false;
  if (key !== null && named.key !== key) return false;
  return after === null || compareKeys(named, { tenant, ...after }) > 0;
}
