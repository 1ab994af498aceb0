import { describe, expect, test } from "vitest";
import { type AuditLine, CHAIN_START, chainHash, createChainCheck, keyCommitment } from "../../../src/domain/audit.ts";

const SALT = new Uint8Array(32).fill(7);

function line(sequence: bigint, before: Uint8Array, given: Partial<AuditLine> = {}): AuditLine {
  const bare: AuditLine = {
    ...{ sequence, timeMicros: "1767225600000001", actor: "api-key:me", action: "release", subjectKind: "record" },
    ...{ subject: "acme", tenant: "acme", reason: "", detail: "{}", recordScope: null, recordKey: null, salt: null },
    ...{ keyCommitment: null, hash: new Uint8Array() },
    ...given,
  };
  return { ...bare, hash: chainHash(before, bare) };
}

function log(...numbers: readonly bigint[]): readonly AuditLine[] {
  const lines: AuditLine[] = [];
  for (const number of numbers) lines.push(line(number, lines.at(-1)?.hash ?? CHAIN_START.hash));
  return lines;
}

describe("the hash of a line", () => {
  test("never changes its meaning: logs are years old", () => {
    const record = {
      ...{ recordScope: "orders", recordKey: "Zürich", salt: SALT, keyCommitment: keyCommitment(SALT, "Zürich") },
      reason: "ä",
    };
    const hash = Buffer.from(line(5n, CHAIN_START.hash, record).hash).toString("hex");
    expect(hash).toBe("14851ebeca6f7c25e454c0e26e9bbaf62f590d9eb0bc0d42e62d411a9d787ea2");
  });

  const base = line(5n, CHAIN_START.hash);
  test.each<Partial<AuditLine>>([
    { sequence: 6n },
    { timeMicros: "1767225600000002" },
    { actor: "x" },
    { action: "x" },
    { subjectKind: "x" },
    { subject: "x" },
    { tenant: null },
    { tenant: "" },
    { reason: "-" },
    { detail: "{ }" },
    { recordScope: "" },
    { keyCommitment: SALT },
    { actor: "api-key:m", action: "erelease" },
  ])("covers %o", (other) => {
    expect(line(5n, CHAIN_START.hash, other).hash).not.toEqual(base.hash);
  });

  test("does not cover the key, which may be erased", () => {
    const commitment = keyCommitment(SALT, "k");
    const kept = line(5n, CHAIN_START.hash, { recordKey: "k", salt: SALT, keyCommitment: commitment });
    expect(line(5n, CHAIN_START.hash, { keyCommitment: commitment }).hash).toEqual(kept.hash);
  });
});

describe("a check", () => {
  const lines = log(2n, 3n, 7n);
  const [, second, last] = lines as readonly [AuditLine, AuditLine, AuditLine];
  const play = (
    given: readonly AuditLine[],
    ...[from = CHAIN_START, written = last, expected = null]: Partial<Parameters<typeof createChainCheck>>
  ) => {
    const check = createChainCheck(from, written, expected);
    for (const one of given) {
      const broken = check.next(one);
      if (broken !== null) return broken;
    }
    return check.end();
  };

  test("passes a log that is whole, from its beginning or from any line", () => {
    expect(play(lines)).toBeNull();
    expect(play(lines.slice(1), lines[0])).toBeNull();
    expect(play([], CHAIN_START, CHAIN_START)).toBeNull();
  });

  test("passes any line that was kept elsewhere, and what comes before the first", () => {
    for (const expected of [...lines, CHAIN_START]) expect(play(lines, CHAIN_START, last, expected)).toBeNull();
    expect(play([], CHAIN_START, CHAIN_START, CHAIN_START)).toBeNull();
  });

  test("tells the line that was changed, and what it was to follow", () => {
    const changed = { ...second, reason: "another" };
    expect(play([lines[0] as AuditLine, changed, last])).toEqual({ kind: "line", sequence: 3n, after: 2n });
    expect(play(lines.slice(1))).toEqual({ kind: "line", sequence: 3n, after: CHAIN_START.sequence });
  });

  test("passes a key with its salt, and one that was redacted", () => {
    const keyed = { recordKey: "k", salt: SALT, keyCommitment: keyCommitment(SALT, "k") };
    const kept = line(2n, CHAIN_START.hash, keyed);
    expect(play([kept], CHAIN_START, kept)).toBeNull();
    expect(play([{ ...kept, recordKey: null, salt: null }], CHAIN_START, kept)).toBeNull();
  });

  test("knows where it is", () => {
    const check = createChainCheck(CHAIN_START, last, null);
    expect(check.position()).toEqual(CHAIN_START);
    check.next(lines[0] as AuditLine);
    expect(check.position()).toEqual({ sequence: 2n, hash: lines[0]?.hash });
  });

  test("tells a line kept elsewhere that has the number of the first, and another hash", () => {
    const forged = { ...CHAIN_START, hash: SALT };
    expect(play(lines, CHAIN_START, last, forged)).toMatchObject({ kind: "expected-gone" });
  });

  test("tells a key that is not the one that was written, and one without its salt", () => {
    const commitment = keyCommitment(SALT, "k");
    const forged = { recordKey: "l", salt: SALT, keyCommitment: commitment };
    const broken = { kind: "key", sequence: 2n };
    expect(play([line(2n, CHAIN_START.hash, forged)])).toEqual(broken);
    expect(play([line(2n, CHAIN_START.hash, { ...forged, recordKey: "k", salt: null })])).toEqual(broken);
    expect(play([line(2n, CHAIN_START.hash, { ...forged, keyCommitment: null })])).toEqual(broken);
  });

  test("tells lines beyond the last that was written, and too few", () => {
    expect(play(lines, CHAIN_START, second)).toEqual({ kind: "end", last: 7n, written: 3n });
    expect(play(lines.slice(0, 2))).toEqual({ kind: "end", last: 3n, written: 7n });
    expect(play(lines, CHAIN_START, { ...last, hash: SALT })).toEqual({ kind: "head", sequence: 7n });
  });

  test("tells a kept line that has another hash, or is not there", () => {
    const other = { kind: "expected-other", sequence: 3n };
    expect(play(lines, CHAIN_START, last, { ...second, hash: SALT })).toEqual(other);
    expect(play(lines, CHAIN_START, last, { ...second, hash: CHAIN_START.hash })).toEqual(other);
    expect(play(lines, CHAIN_START, last, { sequence: 5n, hash: SALT })).toEqual({
      kind: "expected-gone",
      sequence: 5n,
      last: 7n,
    });
    expect(play(lines, CHAIN_START, last, { sequence: 8n, hash: SALT })).toEqual({
      kind: "expected-gone",
      sequence: 8n,
      last: 7n,
    });
  });
});
