import { decodeResult as decodeBody } from "../client/body.ts";
import { ResultUnavailableError } from "../client/outcome-errors.ts";
import { type RecordView, viewRecord } from "../client/record-view.ts";
import type { Instant } from "../domain/instant.ts";
import { compareKeys } from "../domain/key.ts";
import { isForgotten, type StoredRecord } from "../domain/record.ts";
import { deriveState, visible } from "../operations/derive.ts";
import { toRecord } from "../rpc/wire/record.ts";
import { decodeError, decodeResult } from "../rpc/wire/stored.ts";
import type { Shelf } from "../store/memory/shelf.ts";

/** A record as it is, with what it holds. */
export interface TestRecord extends RecordView {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  /** Of a completed record, as its callers get it; undefined when nothing was returned, or what was is not stored. */
  readonly value: unknown;
  /** What the last attempt reported, of a record that has failed or may be tried again; else undefined. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
}

/** Looks at records, which no fault keeps from. */
export interface TestRecords {
  /** Undefined: there is none, or it was forgotten. @param tenant default: the first one of the server */
  get(scope: string, key: string, tenant?: string): Promise<TestRecord | undefined>;
  /** All there are, of every tenant, in the order of their names. */
  list(): Promise<readonly TestRecord[]>;
}

export interface RecordsDeps {
  readonly shelf: Shelf;
  readonly now: () => Instant;
  readonly tenant: string;
  /** Has the housekeeping done that a server would have done by now. */
  readonly sweep: () => Promise<void>;
}

export function createRecords({ shelf, now, tenant: first, sweep }: RecordsDeps): TestRecords {
  return {
    async get(scope, key, tenant = first) {
      await sweep();
      const record = shelf.read({ tenant, scope, key });
      return record === null || isForgotten(record, now()) ? undefined : view(record, now());
    },

    async list() {
      await sweep();
      const at = now();
      return [...shelf.all()]
        .filter((record) => !isForgotten(record, at))
        .sort((a, b) => compareKeys(a.key, b.key))
        .map((record) => view(record, at));
    },
  };
}

function view(stored: StoredRecord, now: Instant): TestRecord {
  const seen = { state: deriveState(stored, now), record: visible(stored, now), now };
  const isError = seen.state !== "completed" && seen.state !== "expired";
  const error = isError ? decodeError(seen.record) : undefined;
  return {
    ...stored.key,
    ...viewRecord(toRecord(seen)),
    value: seen.state === "completed" ? contentOf(seen.record) : undefined,
    error: error && { code: error.code, message: error.message },
  };
}

function contentOf(record: StoredRecord): unknown {
  const result = decodeResult(record);
  try {
    return result && decodeBody(result, undefined, { replayed: true });
  } catch (error) {
    if (error instanceof ResultUnavailableError) return undefined;
    throw error;
  }
}
