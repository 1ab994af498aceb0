import { contract, SIMULATED, script, seeds, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const STORE = "src/store/postgres";

const LOST_ENDS = /^[1-9]\d* of \d+ ends were acknowledged and are lost: /;

/** What is answered or read before it holds, or after it has ceased to. */
export const DURABILITY: readonly Mutant[] = [
  {
    id: "M9",
    name: "acknowledges an end before it is on any disk",
    patches: [
      {
        file: `${STORE}/finish.sql`,
        find: "with call as materialized (\n",
        replace:
          "with setting as materialized (\n  select set_config('synchronous_commit', 'off', true)\n), call as materialized (\n",
      },
      {
        file: `${STORE}/finish.sql`,
        find: "  from call c\n  cross join lateral (\n",
        replace: "  from setting\n  cross join call c\n  cross join lateral (\n",
      },
    ],
    killedBy: [script("crash", "lost-ends", LOST_ENDS)],
  },
  {
    id: "M13",
    name: "reads what was true up to a second ago, as from a standby that lags",
    note: "Nothing can be pointed at a standby: a claim reads what it replays on the connection that writes. So what a read brought is kept for a second.",
    patches: [
      {
        file: `${STORE}/store.ts`,
        find: "    peek: (key, deadline) => peeks.submit({ key }, deadline),",
        replace: `    peek: (key, deadline) => {
      const name = JSON.stringify([key.tenant, key.scope, key.key]);
      const kept = keptReads.get(name);
      if (kept !== undefined && common.clock.monotonicMs() - kept.atMs < 1_000) return kept.read;
      const read = peeks.submit({ key }, deadline);
      keptReads.set(name, { atMs: common.clock.monotonicMs(), read });
      read.catch(() => keptReads.delete(name));
      return read;
    },`,
      },
      {
        file: `${STORE}/store.ts`,
        find: "  const kinds = createCallKinds(time);\n",
        replace:
          "  const kinds = createCallKinds(time);\n  const keptReads = new Map<string, { atMs: number; read: Promise<Peeked> }>();\n",
      },
      {
        file: `${STORE}/store.ts`,
        find: 'import type { ClaimAnswer, ClaimCall } from "../../domain/calls.ts";',
        replace: 'import type { ClaimAnswer, ClaimCall, Peeked } from "../../domain/calls.ts";',
      },
    ],
    killedBy: [
      contract("who may not acquire still gets results and its own lease", /Error: there is no record$/),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "M14",
    name: "answers an end before it is committed",
    note: "It is decided by what was read, answered, and committed a second later, if that takes no longer than 100 ms.",
    patches: [
      {
        file: `${STORE}/store.ts`,
        find: "    finish: (call, deadline) => finishes.submit(call, deadline),",
        replace: `    finish: async (call, deadline) => {
      const { record, now } = await peeks.submit({ key: call.key }, deadline);
      const { answer, next } = decideFinish(record, call, now);
      if (next === null) return finishes.submit(call, deadline);
      const later = common.clock.sleep(1_000).then(() => finishes.submit(call, common.clock.monotonicMs() + 100));
      later.catch(() => undefined);
      return answer;
    },`,
      },
      {
        file: `${STORE}/store.ts`,
        find: 'import type { Instant } from "../../domain/instant.ts";\n',
        replace:
          'import type { Instant } from "../../domain/instant.ts";\nimport { decideFinish } from "../../domain/reducer/finish.ts";\n',
      },
    ],
    killedBy: [
      contract("a replay is byte-equal", /Error: not replayed: in-progress$/),
      script("crash", "lost-ends", LOST_ENDS),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "lazy-checkpoint",
    name: "acknowledges a checkpoint before it is on any disk",
    patches: [
      {
        file: `${STORE}/heartbeat.ts`,
        find: "    !calls.some(needsDurability),",
        replace: "    true,",
      },
    ],
    killedBy: [script("crash", "lost-checkpoints", /^[1-9]\d* of \d+ checkpoints were acknowledged and are lost$/)],
  },
  {
    id: "no-barrier",
    name: "answers from a new session of the database before it is known to be durable what is seen there",
    patches: [
      {
        file: `${STORE}/epoch.ts`,
        find: "    isBarrierDue: () => passed < generation,",
        replace: "    isBarrierDue: () => false,",
      },
    ],
    killedBy: [
      unit(
        "store/lanes.test.ts",
        "no lane is used before the barrier of its epoch has returned",
        /expected \[ \{ value: 'used' \}, .* to deeply equal \[ \{\}, \{\}, \{\} \]/,
      ),
      seeds("any", 120, SIMULATED.lost),
    ],
  },
];
