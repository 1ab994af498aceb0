import { randomUUID } from "node:crypto";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { FailKind, IdempotencyService, LeaseExpiryPolicy } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Canary } from "./canary-places.ts";
import type { CommandResult } from "./server.ts";
import { handleOf } from "./waiting-calls.ts";

/** Somebody with a credential. */
interface Caller {
  /** A call that must succeed. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  /** A call that must fail. */
  refused<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    init: MessageInitShape<I>,
    expected: RegExp,
  ): Promise<void>;
}

export interface OperatorsDeps {
  readonly texts: Readonly<Record<Canary, string>>;
  readonly claimer: Caller;
  /** May mend records, and not read what they hold. */
  readonly operator: Caller;
  /** May read it too. */
  readonly reader: Caller;
  /** The reader's. */
  command(...args: readonly string[]): Promise<CommandResult>;
  /** What whoever has the database is shown of the audit log. */
  audited(): Promise<string>;
}

const { claim, heartbeat, fail } = IdempotencyService.method;
const { listRecords, getRecordTimeline, forceRelease, resolveOutcome, resetRecord, purgeRecords } = AdminService.method;

const HOLD = { onLeaseExpiry: LeaseExpiryPolicy.HOLD };
const utf8 = (said: string) => Buffer.from(said);

/** Everything that can be done to a tenant's records by hand, with a canary wherever a text can be given. */
export async function operateRecords(who: "plain" | "sealed", deps: OperatorsDeps): Promise<void> {
  const { texts, claimer, operator, reader, command, audited } = deps;
  const word = (what: string) => texts[`${who}'s ${what}` as Canary];
  const bad = texts["a field that is refused"];
  const reason = word("reason");
  const keyOf = (what: string) => ({ scope: word("scope"), key: `${word(what)}-${randomUUID()}` });
  const named = ({ scope, key }: ReturnType<typeof keyOf>) => [key, "--scope", scope];

  const hold = async (key = keyOf("record key"), policy = {}) => {
    const owner = { service: word("owner") };
    const more = { owner, metadata: { what: word("metadata") }, externalRef: word("reference") };
    const claimed = await claimer.call(claim, {
      key,
      claimId: randomUUID(),
      policy,
      lease: { seconds: 600n },
      ...more,
    });
    const handle = handleOf(claimed);
    const checkpoint = { sequence: 1n, data: utf8(word("checkpoint")), name: "a" };
    await claimer.call(heartbeat, { handle, checkpoint, progress: { fraction: 0.5, message: word("progress") } });
    return { key, handle };
  };

  const byCalls = async () => {
    const { key } = await hold(keyOf("record key"), HOLD);
    await operator.call(forceRelease, { key, reason });
    const value = { body: { case: "inline", value: utf8(word("resolved result")) } } as const;
    await operator.call(resolveOutcome, { key, reason, verdict: { case: "completed", value } });
    await claimer.call(claim, { key, claimId: randomUUID() });
    const failed = await hold(keyOf("record key"), HOLD);
    await claimer.call(fail, { handle: failed.handle, kind: FailKind.OUTCOME_UNKNOWN, error: error("error") });
    const verdict = { case: "failed", value: error("resolved error") } as const;
    await operator.call(resolveOutcome, { key: failed.key, reason, verdict });
    await claimer.call(claim, { key: failed.key, claimId: randomUUID() });
    const reset = await hold();
    await operator.call(resetRecord, { key: reset.key, reason, force: true });
    for (const caller of [operator, reader]) {
      for (const each of [key, failed.key, reset.key]) await caller.call(getRecordTimeline, { key: each });
      await caller.call(listRecords, { scope: word("scope"), keyPrefix: word("record key") });
    }
    const withOutcomes = { scope: word("scope"), includeOutcomes: true };
    await operator.refused(listRecords, withOutcomes, /permission_denied/);
    await reader.call(listRecords, withOutcomes);
    return { ended: key, failed: failed.key };
  };

  const error = (what: string) => ({ code: 9, message: word(what) });

  /** At a terminal. */
  const byCommands = async () => {
    const why = ["--reason", reason];
    const done = async (...args: readonly string[]) => expect(await command(...args)).toMatchObject({ code: 0 });
    const [one, other] = [await hold(keyOf("record key"), HOLD), await hold(keyOf("record key"), HOLD)];
    for (const { key } of [one, other]) await done("keys", "release", ...named(key), ...why, "--yes");
    await done("keys", "resolve", ...named(one.key), ...why, "--completed-text", word("resolved result"));
    await done("keys", "resolve", ...named(other.key), ...why, "--failed-message", word("resolved error"));
    await done("wait", ...named(one.key));
    const reset = await hold();
    await done("keys", "reset", ...named(reset.key), ...why, "--force", "--yes");
    for (const output of ["table", "json"]) {
      for (const { key } of [one, other, reset]) {
        await done("keys", "get", ...named(key), "--result", "--output", output);
        await done("keys", "why", ...named(key), "--output", output);
      }
      await done("keys", "list", "--scope", word("scope"), "--results", "--output", output);
    }
  };

  /** What is purged is gone, from the lines of the audit log too. */
  const purge = async () => {
    const [byCall, byCommand] = [await hold(keyOf("purged key")), await hold(keyOf("purged key"))];
    for (const { key } of [byCall, byCommand]) {
      await operator.call(forceRelease, { key, reason });
      expect(await audited()).toContain(key.key);
    }
    await operator.call(purgeRecords, { target: { case: "key", value: byCall.key }, reason });
    const purged = await command("keys", "purge", ...named(byCommand.key), "--reason", reason, "--yes");
    expect(purged).toMatchObject({ code: 0 });
    expect(await audited()).not.toContain(word("purged key"));
  };

  /** Refused, with everything in the call that must not come back in the refusal. */
  const inVain = async ({ ended, failed }: Awaited<ReturnType<typeof byCalls>>) => {
    const verdict = { case: "failed", value: error("resolved error") } as const;
    const absent = keyOf("record key");
    const value = { body: { case: "inline", value: utf8(word("resolved result")) } } as const;
    await operator.refused(getRecordTimeline, { key: absent }, /RECORD_NOT_FOUND|not_found/);
    await operator.refused(purgeRecords, { target: { case: "key", value: absent }, reason }, /not_found/);
    for (const [key, expectedFence, expected] of [
      [absent, 0n, /not_found/],
      [ended, 1n, /aborted/],
    ] as const) {
      await operator.refused(forceRelease, { key, reason, expectedFence }, expected);
      await operator.refused(resolveOutcome, { key, reason, expectedFence, verdict }, expected);
      await operator.refused(resetRecord, { key, reason, expectedFence }, expected);
    }
    await operator.refused(forceRelease, { key: ended, reason }, /failed_precondition/);
    const completed = { case: "completed", value } as const;
    await operator.refused(resolveOutcome, { key: failed, reason, verdict: completed }, /failed_precondition/);
    const { key: held } = await hold();
    await operator.refused(resetRecord, { key: held, reason }, /failed_precondition/);
    await operator.refused(purgeRecords, { target: { case: "key", value: held }, reason }, /failed_precondition/);
    await claimer.refused(forceRelease, { key: held, reason }, /permission_denied/);
    await claimer.refused(
      purgeRecords,
      { target: { case: "scope", value: word("scope") }, reason },
      /permission_denied/,
    );
    for (const tenant of [bad.slice(0, 20), "abroad"]) {
      await operator.refused(getRecordTimeline, { key: { ...held, tenant } }, /permission_denied/);
    }
    const long = bad.repeat(50);
    await operator.refused(forceRelease, { key: held, reason: long }, /invalid_argument/);
    const wrong = { case: "failed", value: { code: 0, message: bad } } as const;
    await operator.refused(resolveOutcome, { key: held, reason, verdict: wrong }, /invalid_argument/);
    await operator.refused(listRecords, { keyPrefix: long, pageToken: bad, owner: long }, /invalid_argument/);
    await operator.refused(listRecords, { scope: word("scope"), pageToken: bad }, /invalid_argument/);
    const refusedHere = async (...args: readonly string[]) =>
      expect(await command("keys", ...args)).toMatchObject({ code: expect.toBeOneOf([2, 4, 5]), stdout: "" });
    await refusedHere("why", ...named(absent));
    await refusedHere("release", ...named(ended), "--reason", reason, "--yes");
    await refusedHere("resolve", ...named(held), "--reason", reason, "--completed-text", word("resolved result"));
  };

  await inVain(await byCalls());
  await byCommands();
  await purge();
}
