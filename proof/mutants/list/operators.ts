import { contract } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const STORE = "src/store/postgres";

/** What operators change. */
export const OPERATORS: readonly Mutant[] = [
  {
    id: "release-leaves-lease",
    name: "releases a record by force and leaves its holder the lease",
    patches: [
      {
        file: `${STORE}/release.sql`,
        find: `    fence = greatest(k.fence + 1, (extract(epoch from h.now) * 1000000)::bigint),
    lease_token = $5::bytea,`,
        replace: "    lease_token = case when $5::bytea is null then k.lease_token else k.lease_token end,",
      },
    ],
    killedBy: [
      contract(
        "a release > under REACQUIRE makes the record claimable at once, and its holder superseded",
        /expected 'INVALID_STATE' to be 'LEASE_SUPERSEDED'/,
      ),
    ],
  },
  {
    id: "release-any-fence",
    name: "releases whoever holds the record by now, and not the one whom the operator saw",
    patches: [
      {
        file: `${STORE}/release.sql`,
        find: "    where k.fence = $4::bigint\n      and k.state = 1",
        replace: "    where $4::bigint is not null\n      and k.state = 1",
      },
      {
        file: `${STORE}/release.sql`,
        find: "    and k.fence = $4::bigint\n    and k.state = 1",
        replace: "    and k.state = 1",
      },
    ],
    killedBy: [
      contract(
        "is refused as changed when the fence is another",
        /expected \[ 'outcome-unknown', 'changed', .* to deeply equal \[ 'changed'/,
      ),
    ],
  },
  {
    id: "reset-keeps-fence",
    name: "resets a record and lets its fence begin anew",
    patches: [
      {
        file: `${STORE}/reset.sql`,
        find: "    fence = greatest(k.fence + 1, (extract(epoch from h.now) * 1000000)::bigint),\n",
        replace: "    fence = 1,\n",
      },
    ],
    killedBy: [
      contract(
        "a reset > makes the next claim a first claim with any payload and policy, above every fence before",
        /expected 'LEASE_TOKEN_INVALID' to be 'LEASE_SUPERSEDED'/,
      ),
    ],
  },
  {
    id: "reset-held",
    name: "resets what somebody holds, also if it is not forced",
    patches: [
      {
        file: `${STORE}/reset.sql`,
        find: "      and ($6::boolean or k.state <> 1 or k.due <= k.seen_at)",
        replace: "      and ($6::boolean or true)",
      },
      {
        file: `${STORE}/reset.sql`,
        find: "      and ($6::boolean or k.state <> 1 or k.due <= h.now)\n",
        replace: "",
      },
    ],
    killedBy: [contract("leaves a live lease alone unless forced", /expected true to be false/)],
  },
  {
    id: "purge-held",
    name: "purges what somebody holds, also if it is not forced",
    patches: [
      {
        file: `${STORE}/purge.sql`,
        find: "k.state = 1 and k.due > m.seen_at and not $6::boolean as held",
        replace: "false as held",
      },
      {
        file: `${STORE}/purge.sql`,
        find: "      and ($6::boolean or k.state <> 1 or k.due <= m.seen_at)\n",
        replace: "      and ($6::boolean or true)\n",
      },
    ],
    killedBy: [
      contract(
        "leaves what is held up to the end of the lease, and counts it, unless forced",
        /expected \{ keys: \[ .*, .* \], .*to deeply equal \{ keys: \[ [^,]* \],/,
      ),
    ],
  },
  {
    id: "resolve-held",
    name: "resolves an outcome while a reconciler looks into it, also if it is not forced",
    patches: [
      {
        file: `${STORE}/resolve.sql`,
        find: "k.suspect_token is not null and $6::boolean)\n      )\n  )",
        replace: "k.suspect_token is not null and ($6::boolean or true))\n      )\n  )",
      },
      {
        file: `${STORE}/resolve.sql`,
        find: "k.suspect_token is not null and $6::boolean)\n    )\n  returning",
        replace: "k.suspect_token is not null)\n    )\n  returning",
      },
    ],
    killedBy: [
      contract(
        "leaves a reconciler alone up to the end of its lease, unless forced",
        /expected 'completed' to be null/,
      ),
    ],
  },
];
