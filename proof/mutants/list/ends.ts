import { contract, every, postgres, UNDECIDED, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const STORE = "src/store/postgres";

const TOKEN_AND_FENCE = `          k.fence = c.fence
          and k.lease_token = c.token
          and (c.only_if_due is null`;

/** How attempts end, and what is kept of it. */
export const ENDS: readonly Mutant[] = [
  {
    id: "M3",
    name: "takes an end whatever its lease: neither token nor fence",
    patches: [{ file: `${STORE}/finish.sql`, find: TOKEN_AND_FENCE, replace: "          (c.only_if_due is null" }],
    killedBy: [
      contract(
        "complete after a takeover is refused, and the newer result stands",
        /expected 'completed, late' to be 'LEASE_SUPERSEDED'/,
      ),
      every("an end > complete by the suspect is answered", /^\+ .*"kind": "ended"/),
      postgres("race", "store/races.test.ts", "a late completion loses to a takeover", /^\+ .*completed, late/),
    ],
  },
  {
    id: "M3-token",
    name: "takes an end whatever its token",
    patches: [
      {
        file: `${STORE}/finish.sql`,
        find: TOKEN_AND_FENCE,
        replace: "          k.fence = c.fence\n          and (c.only_if_due is null",
      },
    ],
    killedBy: [
      contract("only the record's own token and fence count", /expected 'completed, late' to be 'LEASE_TOKEN_INVALID'/),
    ],
  },
  {
    id: "M4",
    name: "takes an end whatever its fence",
    patches: [
      {
        file: `${STORE}/finish.sql`,
        find: TOKEN_AND_FENCE,
        replace: "          k.lease_token = c.token\n          and (c.only_if_due is null",
      },
    ],
    killedBy: [
      contract("only the record's own token and fence count", /expected 'completed, late' to be 'LEASE_SUPERSEDED'/),
      every("an end > complete by the holder's token under the suspect's fence", /^\+ .*"kind": "ended"/),
    ],
  },
  {
    id: "M15",
    name: "sweeps what somebody holds",
    patches: [
      {
        file: `${STORE}/lapsed.sql`,
        find: "    and k.due + k.result_retention_ms * interval '1 ms' <= m.now as abandoned,",
        replace: "    as abandoned,",
      },
      {
        file: `${STORE}/abandon.sql`,
        find: "      and k.due + k.result_retention_ms * interval '1 ms' <= least(coalesce($5::timestamptz, clock_timestamp()), $6::timestamptz)",
        replace: "      and ($5::timestamptz is null or $6::timestamptz is null or true)",
      },
    ],
    killedBy: [
      contract(
        "no live lease, no unknown outcome, no reconciler and no used-up attempt is ever abandoned",
        /^\+ .*"abandoned": [1-9]/,
      ),
    ],
  },
  {
    id: "second-end",
    name: "takes a second end of a record that is completed",
    patches: [
      { file: `${STORE}/finish.sql`, find: "      and k.state in (1, 5)", replace: "      and k.state in (1, 3, 5)" },
    ],
    killedBy: [
      contract(
        "a completion repeated is already applied; with other bytes it is a conflict",
        /expected 'completed' to be 'already applied'/,
      ),
      every("an end > complete by the holder is answered", /^\+ .*"kind": "ended"/),
    ],
  },
  {
    id: "any-repeat",
    name: "takes any second end for a repeat of the first",
    note: "The simulation cannot tell: it is judged by the same reducer.",
    patches: [
      {
        file: "src/domain/reducer/finish.ts",
        find: "  if (stored.endDigest === null || !sameBytes(stored.endDigest, call.digest)) return fault(otherwise, now);",
        replace: "  if (stored.endDigest === null) return fault(otherwise, now);",
      },
    ],
    killedBy: [
      unit(
        "domain/reducer/tokens.test.ts",
        "completed, terminal: RESULT_CONFLICT",
        /expected 'already applied' to be 'RESULT_CONFLICT'/,
      ),
      contract(
        "a completion repeated is already applied; with other bytes it is a conflict",
        /expected 'already applied' to be 'RESULT_CONFLICT'/,
      ),
    ],
  },
  {
    id: "late-refused",
    name: "refuses a late end of a lease that nobody has taken over",
    patches: [
      {
        file: `${STORE}/finish.sql`,
        find: TOKEN_AND_FENCE,
        replace: `          k.fence = c.fence
          and k.lease_token = c.token
          and k.due > coalesce($14::timestamptz, clock_timestamp())
          and (c.only_if_due is null`,
      },
    ],
    killedBy: [
      contract("a completion after the lease is accepted as long as nobody took over", UNDECIDED),
      every("an end > complete by the holder is answered", /^- .*"kind": "ended"/),
    ],
  },
  {
    id: "suspect-refused",
    name: "refuses the end of the attempt that a reconciler looks into",
    patches: [
      {
        file: `${STORE}/finish.sql`,
        find: "        or (k.suspect_fence = c.fence and k.suspect_token = c.token and c.wanted_state in (3, 4))\n",
        replace: "",
      },
    ],
    killedBy: [
      contract("complete ends the record before the reconciler", UNDECIDED),
      every("an end > complete by the suspect is answered", /^- .*"kind": "ended"/),
    ],
  },
  {
    id: "short-result",
    name: "empties results before their retention is over",
    patches: [
      { file: `${STORE}/empty.sql`, find: "    and k.sweep_at <= (select m.now from moment m)\n", replace: "" },
    ],
    killedBy: [contract("a result is emptied exactly from its end on", /expected \{ forgotten: \+0, emptied: 1,/)],
  },
  {
    id: "short-tombstone",
    name: "deletes a record when its result is over, and leaves no tombstone",
    patches: [
      { file: `${STORE}/forget.sql`, find: "    and k.forget_at <= (select m.now from moment m)\n", replace: "" },
    ],
    killedBy: [contract("a tombstone is deleted exactly from its end on", /expected 1 to be \+0/)],
  },
  {
    id: "expired-replayed",
    name: "replays a result at the very end of its retention",
    patches: [
      {
        file: "src/domain/record.ts",
        find: "  return hasEnded(record) && record.due <= now;",
        replace: "  return hasEnded(record) && record.due < now;",
      },
    ],
    killedBy: [
      unit(
        "domain/reducer/claim-boundaries.test.ts",
        "what is due is due > a result",
        /expected 'completed' to be 'expired'/,
      ),
    ],
  },
];
