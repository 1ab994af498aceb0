import { contract, every, postgres, SIMULATED, script, seeds, UNDECIDED, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const STORE = "src/store/postgres";

/** Who holds a record, and until when. */
export const LEASES: readonly Mutant[] = [
  {
    id: "M2",
    name: "judges leases by the clock of the server's machine",
    note: "MUTANT_CLOCK_STEP_MS is how far that clock is ahead",
    patches: [
      {
        file: "src/server/backend.ts",
        find: "limits, asOf: () => null });",
        replace: 'limits, asOf: () => (Date.now() + Number(process.env["MUTANT_CLOCK_STEP_MS"] ?? 0)) * 1000 });',
      },
    ],
    killedBy: [script("process", "clocks", /^what is held was answered ACQUIRED by a server whose machine/)],
  },
  {
    id: "M11",
    name: "takes the number of the attempt for a fence",
    patches: [
      {
        file: `${STORE}/claim.sql`,
        find: `    greatest(
      m.fence_floor + 1,
      (extract(epoch from coalesce($18::timestamptz, clock_timestamp())) * 1000000)::bigint
    ),`,
        replace: "    1,",
      },
      {
        file: `${STORE}/reclaim.sql`,
        find: "      else greatest(k.fence + 1, h.fence_floor + 1, (extract(epoch from h.seen_at) * 1000000)::bigint)",
        replace: "      when h.first_claim then 1\n      else k.attempt + 1",
      },
    ],
    killedBy: [
      contract(
        "the fence rises over takeover, retry, reset, expiry and re-creation",
        /expected \[ 1n, 2n, 1n, 1n, 1n \] to deeply equal/,
      ),
      contract(
        "a forgotten record is claimed anew: nothing of it is left but the fence",
        /expected 1 to be greater than 1$/,
      ),
    ],
  },
  {
    id: "early-takeover",
    name: "takes over a lease that is not over",
    patches: [
      {
        file: `${STORE}/reclaim.sql`,
        find: "      when r.state in (1, 2) and r.due > m.seen_at then false\n",
        replace: "",
      },
    ],
    killedBy: [
      every(
        "a claim that reclaim.sql alone decides > of a stranger is answered and stored",
        /bug: a claim was won that is answered (retry-scheduled|in-progress)/,
      ),
      postgres(
        "race",
        "store/races.test.ts",
        "of two first claims one acquires",
        /bug: a claim was won that is answered in-progress/,
      ),
    ],
  },
  {
    id: "no-compare",
    name: "takes a record without a look at whether it still is as it was read",
    patches: [
      {
        file: `${STORE}/reclaim.sql`,
        find: `      and k.fence = s.fence
      and k.state = s.state
      and k.due = s.due
      and k.checkpoint_sequence = s.checkpoint_sequence
      and (k.state <> 4`,
        replace: "      and (k.state <> 4",
      },
    ],
    killedBy: [
      postgres("race", "store/races.test.ts", "of two takeovers one acquires", /^\+ .*acquired takeover/),
      postgres("race", "store/races.test.ts", "a takeover loses to a late completion", /^\+ .*acquired takeover/),
      postgres(
        "race",
        "store/races.test.ts",
        "a takeover loses to a late heartbeat",
        /expected \[ 'extended', 'acquired takeover' \]/,
      ),
    ],
  },
  {
    id: "no-not-after",
    name: "lets a claim acquire however late its statement runs",
    patches: [
      {
        file: `${STORE}/claim.sql`,
        find: "    and coalesce($18::timestamptz, clock_timestamp()) < $17::timestamptz",
        replace: "    and $17::timestamptz is not null",
      },
      {
        file: `${STORE}/reclaim.sql`,
        find: "    and coalesce($19::timestamptz, clock_timestamp()) < $18::timestamptz",
        replace: "    and $18::timestamptz is not null",
      },
    ],
    killedBy: [
      postgres(
        "store",
        "store/claiming.test.ts",
        "a claim that runs after its not_after acquires nothing",
        /expected \[ \{ kind: 'acquired', .* to deeply equal \[ null \]/,
      ),
      postgres(
        "store",
        "store/claiming.test.ts",
        "a takeover that runs after its not_after acquires nothing",
        /expected \[ \{ kind: 'acquired', .* to deeply equal \[ null \]/,
      ),
    ],
  },
  {
    id: "no-reattach",
    name: "does not know a claim again that is repeated",
    patches: [
      {
        file: `${STORE}/reclaim.sql`,
        find: "      when r.claim_id = c.call_claim_id then r.state = 1 and r.suspect_token is null\n",
        replace: "",
      },
    ],
    killedBy: [
      contract("a claim whose answer was lost gets the same lease again", UNDECIDED),
      every(
        "a claim that reclaim.sql alone decides > of the holder is answered",
        /bug: a claim was won that is answered fault/,
      ),
    ],
  },
  {
    id: "no-attempts-limit",
    name: "claims a record however often it was tried",
    patches: [
      {
        file: `${STORE}/reclaim.sql`,
        find: "      else r.max_attempts = 0 or r.attempt < r.max_attempts",
        replace: "      else true",
      },
    ],
    killedBy: [
      every(
        "a claim that reclaim.sql alone decides > of a stranger is answered and stored",
        /bug: a claim was won that is answered failed/,
      ),
    ],
  },
  {
    id: "hold-ignored",
    name: "takes over under HOLD what nobody knows the outcome of",
    patches: [
      {
        file: `${STORE}/reclaim.sql`,
        find: "      when r.state = 1 and (r.hold or r.suspect_token is not null) then false\n",
        replace: "",
      },
    ],
    killedBy: [
      every(
        "a claim that reclaim.sql alone decides > of a stranger is answered and stored",
        /bug: a claim was won that is answered outcome-unknown/,
      ),
    ],
  },
  {
    id: "heartbeat-any-lease",
    name: "extends a lease for whoever asks",
    patches: [
      {
        file: `${STORE}/heartbeat.sql`,
        find: "      and k.fence = c.fence\n      and k.lease_token = c.token\n",
        replace: "",
      },
    ],
    killedBy: [
      contract("only the record's own token and fence count", /expected 'extended' to be 'LEASE_TOKEN_INVALID'/),
      every("a heartbeat > of the suspect is answered", /^\+ .*"kind": "extended"/),
    ],
  },
  {
    id: "heartbeat-after-end",
    name: "extends the lease of what has ended",
    patches: [{ file: `${STORE}/heartbeat.sql`, find: "      and k.state = 1\n", replace: "" }],
    killedBy: [
      contract("a heartbeat is refused after the end", /expected 'extended' to be 'INVALID_STATE'/),
      every("a heartbeat > of the holder is answered", /^\+ .*"kind": "extended"/),
    ],
  },
  {
    id: "heartbeat-shortens",
    name: "lets a heartbeat shorten the lease",
    patches: [
      {
        file: `${STORE}/heartbeat.sql`,
        find: `  due = greatest(
    k.due,
    least(
      h.held_at + h.lease_ms * interval '1 ms',
      k.attempt_start_time + k.max_execution_ms * interval '1 ms'
    )
  ),`,
        replace: `  due = least(
    h.held_at + h.lease_ms * interval '1 ms',
    k.attempt_start_time + k.max_execution_ms * interval '1 ms'
  ),`,
      },
    ],
    killedBy: [
      contract(
        "a heartbeat sent again does no harm, and a shorter one shortens nothing",
        /expected 1787227201000000 to be 1787230800000000/,
      ),
    ],
  },
  {
    id: "forgetful-fence",
    name: "forgets the fences of the records that the sweeper deletes",
    patches: [{ file: `${STORE}/forget.sql`, find: "  where g.fence is not null", replace: "  where false" }],
    killedBy: [
      contract("the fence of every deleted record is a floor for all others", /expected \d+ to be greater than \d+$/),
    ],
  },
  {
    id: "forgetful-purge",
    name: "forgets the fences of the records that an operator purges",
    patches: [{ file: `${STORE}/purge.sql`, find: "  where g.fence is not null", replace: "  where false" }],
    killedBy: [
      contract(
        "a purge > of a key deletes that record and no other, and the fence goes on from it",
        /expected \d+ to be greater than \d+$/,
      ),
    ],
  },
  {
    id: "reused-fence",
    name: "creates records below the fences of those that were deleted",
    patches: [
      {
        file: `${STORE}/claim.sql`,
        find: "      m.fence_floor + 1,\n",
        replace: "      0,\n",
      },
    ],
    killedBy: [
      contract("the fence of every deleted record is a floor for all others", /expected \d+ to be greater than \d+$/),
    ],
  },
  {
    id: "no-guard",
    name: "gives a promoted claim's lease back although its caller has come again",
    patches: [
      {
        file: "src/operations/give-back.ts",
        find: "checkpoint: null, onlyIfDue: due };",
        replace: "checkpoint: null, onlyIfDue: null };",
      },
    ],
    killedBy: [
      unit(
        "operations/give-back.test.ts",
        "misses when the caller came back and was reattached",
        /expected 1 to be \+0/,
      ),
      seeds("lossy", 300, SIMULATED.twice),
    ],
  },
  {
    id: "never-gives-back",
    name: "leaves the lease of a promoted claim with a caller who has gone",
    patches: [
      {
        file: "src/operations/give-back.ts",
        find: "  if (await caller.answered()) return;",
        replace: "  await caller.answered();\n  return;",
      },
    ],
    killedBy: [
      unit(
        "operations/give-back.test.ts",
        "after that, when its answer does not reach it",
        /expected null to be 'acquired retry'/,
      ),
    ],
  },
];
