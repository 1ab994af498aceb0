import { describe, expect, test } from "vitest";
import type { Peeked } from "../../../src/domain/calls.ts";
import { addMs } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { changesBetween } from "../../../src/operations/wait-changes.ts";
import { bytes, NOW, POLICY, proofOf, recordOf, SECOND, SUSPECT } from "../../support/records.ts";
import { cellsOf } from "../../support/table.ts";
import { wordsOf } from "./wait-for-stand.ts";

const OVER = { due: addMs(NOW, -5 * SECOND) };
const OTHER_LEASE = { lease: proofOf("other", recordOf().lease.fence + 1n), attempt: 2 };
const HOLD = { policy: { ...POLICY, hold: true } };
const ENDED = { endTime: NOW, due: addMs(NOW, 60 * SECOND), forgetAt: addMs(NOW, 120 * SECOND) };

const STAGES: Readonly<Record<string, StoredRecord | null>> = {
  absent: null,
  held: recordOf(),
  "held again": recordOf({ due: addMs(NOW, 40 * SECOND) }),
  "held by another": recordOf(OTHER_LEASE),
  reconciled: recordOf({ ...OTHER_LEASE, attempt: 1, suspect: SUSPECT }),
  lapsed: recordOf(OVER),
  scheduled: recordOf({ state: "available" }),
  released: recordOf({ state: "available", due: NOW }),
  unknown: recordOf({ state: "outcome-unknown", due: NOW, reason: "reported" }),
  "unknown by lapse": recordOf({ ...OVER, ...HOLD }),
  "unknown again": recordOf({ ...OVER, ...OTHER_LEASE, suspect: SUSPECT }),
  completed: recordOf({ state: "completed", ...ENDED, outcome: bytes("result") }),
  failed: recordOf({ state: "failed", ...ENDED, reason: "reported" }),
  expired: recordOf({ state: "completed", ...ENDED, outcome: null, due: NOW }),
};

const at = (record: StoredRecord | null): Peeked => ({ record, now: NOW });

const stage = (name: string): Peeked => {
  const record = STAGES[name];
  if (record === undefined) throw new Error(`no stage ${name}`);
  return at(record);
};

const tell = (told: Peeked | null, seen: Peeked) =>
  changesBetween(told, seen).map((event) => wordsOf({ index: 0, event }).slice(2));

/** What was told last above, what is seen now at the left. */
const CHANGES = `
                 | absent          | held            | lapsed          | scheduled       | released        | unknown         | unknown by lapse
absent           | –               | released 1      | released 1      | released 1      | –               | released 1      | released 1
held             | taken-over 1    | –               | –               | –               | –               | –               | –
held again       | taken-over 1    | –               | –               | –               | –               | –               | –
held by another  | taken-over 2    | taken-over 2    | taken-over 2    | taken-over 2    | taken-over 2    | taken-over 2    | taken-over 2
reconciled       | taken-over 1    | taken-over 1    | taken-over 1    | taken-over 1    | taken-over 1    | taken-over 1    | taken-over 1
lapsed           | lapsed 1        | lapsed 1        | –               | lapsed 1        | lapsed 1        | lapsed 1        | lapsed 1
scheduled        | retry-scheduled 1 | retry-scheduled 1 | retry-scheduled 1 | –         | retry-scheduled 1 | retry-scheduled 1 | retry-scheduled 1
released         | released 1      | released 1      | released 1      | released 1      | –               | released 1      | released 1
unknown          | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown | –               | outcome unknown
unknown by lapse | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown | –
unknown again    | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown | outcome unknown
completed        | ended completed result | ended completed result | ended completed result | ended completed result | ended completed result | ended completed result | ended completed result
failed           | ended failed    | ended failed    | ended failed    | ended failed    | ended failed    | ended failed    | ended failed
expired          | ended expired   | ended expired   | ended expired   | ended expired   | ended expired   | ended expired   | ended expired
`;

describe("what is told of a record", () => {
  test.each(cellsOf(CHANGES))("$row after $column: $expected", ({ row, column, expected }) => {
    expect(tell(stage(column), stage(row))).toEqual(expected === "–" ? [] : [expected]);
  });

  test.each([
    ["absent", ["snapshot absent"]],
    ["held", ["snapshot in-progress"]],
    ["scheduled", ["snapshot available"]],
    ["unknown", ["snapshot outcome-unknown"]],
    ["unknown by lapse", ["snapshot outcome-unknown"]],
    ["completed", ["snapshot completed", "ended completed result"]],
    ["failed", ["snapshot failed", "ended failed"]],
    ["expired", ["snapshot expired", "ended expired"]],
  ])("%s is told first: %j", (name, words) => {
    expect(tell(null, stage(name))).toEqual(words);
  });

  test("that a due time had passed when the wait began is told behind the snapshot, which cannot show it", () => {
    expect(tell(null, stage("lapsed"))).toEqual(["snapshot in-progress", "lapsed 1"]);
    expect(tell(null, stage("released"))).toEqual(["snapshot available", "released 1"]);
  });

  test("time alone ends a lease and brings a due time", () => {
    const later = (name: string): Peeked => ({ ...stage(name), now: addMs(NOW, 20 * SECOND) });
    expect(tell(stage("held"), later("held"))).toEqual(["lapsed 1"]);
    expect(tell(stage("scheduled"), later("scheduled"))).toEqual(["released 1"]);
    expect(tell(at(recordOf(HOLD)), { ...at(recordOf(HOLD)), now: addMs(NOW, 20 * SECOND) })).toEqual([
      "outcome unknown",
    ]);
  });

  test("a snapshot shows nothing of what an expired record held", () => {
    const expired = recordOf({ state: "failed", ...ENDED, due: NOW, reason: "reported", progress: bytes("half") });
    const [snapshot, end, ...more] = changesBetween(null, at(expired));
    if (snapshot?.kind !== "snapshot") throw new Error("no snapshot");
    expect(snapshot.seen).toMatchObject({ state: "expired", record: { progress: null, outcome: null } });
    expect(snapshot.seen?.record.evidence).toHaveLength(0);
    expect(end).toMatchObject({ kind: "ended", state: "expired" });
    expect(more).toEqual([]);
  });
});

describe("progress and checkpoints", () => {
  const working = (progress: string | null, change: Partial<StoredRecord> = {}) =>
    at(recordOf({ progress: progress === null ? null : bytes(progress), ...change }));
  const step = (sequence: bigint, atMs = 0) => ({
    checkpoint: bytes(`step ${sequence}`),
    checkpointSequence: sequence,
    checkpointTime: addMs(NOW, atMs),
  });

  test("are told when they are other ones", () => {
    expect(tell(working(null), working("half"))).toEqual(["progress half"]);
    expect(tell(working("half"), working("half"))).toEqual([]);
    expect(tell(working("half"), working("most", step(1n)))).toEqual(["progress most", "checkpoint 1"]);
    expect(tell(working("most", step(1n)), working("most", step(3n)))).toEqual(["checkpoint 3"]);
  });

  test("are told behind a takeover, and before the attempt's end", () => {
    const taken = working("half", { ...OTHER_LEASE, ...step(2n) });
    expect(tell(stage("held"), taken)).toEqual(["taken-over 2", "progress half", "checkpoint 2"]);
    const given = working("half", { state: "available", due: NOW, ...step(2n) });
    expect(tell(stage("held"), given)).toEqual(["progress half", "checkpoint 2", "released 1"]);
  });

  test("are told of a record that came into being between two readings", () => {
    expect(tell(stage("absent"), working("half", step(1n)))).toEqual(["taken-over 1", "progress half", "checkpoint 1"]);
  });

  test("the same progress of another attempt is its own, the same checkpoint is not", () => {
    const [first, second] = [working("half", step(1n)), working("half", { ...OTHER_LEASE, ...step(1n) })];
    expect(tell(first, second)).toEqual(["taken-over 2", "progress half"]);
  });

  test("a reconciler shows the progress of the attempt that it looks into, which is not told again", () => {
    const reconciled = working("half", { ...OTHER_LEASE, suspect: SUSPECT });
    expect(tell(working("half"), reconciled)).toEqual(["taken-over 2"]);
  });

  test("a checkpoint that is lower or the same after a reset is another one", () => {
    const fresh = (sequence: bigint) => working(null, { ...OTHER_LEASE, attempt: 1, ...step(sequence, 100) });
    expect(tell(working(null, step(5n)), fresh(5n))).toEqual(["taken-over 1", "checkpoint 5"]);
    expect(tell(working(null, step(5n)), fresh(2n))).toEqual(["taken-over 1", "checkpoint 2"]);
  });

  test("an end stands for them", () => {
    const ended = recordOf({ state: "completed", ...ENDED, outcome: bytes("result"), ...step(4n) });
    expect(tell(working("half"), at(ended))).toEqual(["ended completed result"]);
  });
});
