import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { ClaimAnswer } from "../../../src/domain/calls.ts";
import { runClaims } from "../../../src/store/postgres/claim.ts";
import { purgeRecords } from "../../../src/store/postgres/purge.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import { freshKey } from "../../store/bench.ts";
import { OPERATOR } from "../../support/operating.ts";
import { claimIdOf, claimOf, freshToken } from "../../support/records.ts";
import { createScene, openSessions, type Sessions, someoneWaits } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

const time = createServerTime({ clock: systemClock, asOf: () => null });

test("a key that was claimed and purged while a batch waited for another one is claimed above its fence", async () => {
  const scene = createScene(sessions);
  const [first, second] = [scene.key, { ...freshKey(), scope: "z behind it" }];
  const claim = (key: typeof first, name: string) => claimOf({ key, token: freshToken(), claimId: claimIdOf(name) });
  const { a, b, observer } = sessions;
  await a.query({ name: "", text: "begin" }, []);
  await runClaims(a, [claim(first, "in a transaction")], time);
  const batch = runClaims(b, [claim(first, "batch 1"), claim(second, "batch 2")], time);
  await someoneWaits(observer);
  const faster = fenceOf(await runClaims(observer, [claim(second, "faster")], time));
  const purge = { ...OPERATOR, ...second, force: true, limit: 10, after: null };
  expect(await purgeRecords(observer, purge, time)).toMatchObject({ keys: [second] });
  await a.query({ name: "", text: "commit" }, []);
  const [, answer] = await batch;
  expect(fenceOf([answer])).toBeGreaterThan(faster);
});

function fenceOf([answer]: readonly (ClaimAnswer | null | undefined)[]): bigint {
  if (answer?.kind !== "acquired") throw new Error(`expected acquired, not ${answer?.kind}`);
  return answer.record.lease.fence;
}
