import { faults, postgres, SIMULATED, script, seeds, UNDECIDED, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const STORE = "src/store/postgres";

const FAILING_SEED = "every call is settled once, takes effect once, and is told the truth (seed 1)";

/** What goes wrong between calls that travel together, or twice. */
export const BATCHES: readonly Mutant[] = [
  {
    id: "M1",
    name: "locks the rows of a batch in the order in which their calls came",
    patches: [
      {
        file: `${STORE}/batcher.ts`,
        find: "    return batch.sort((a, b) => compareKeys(a.key, b.key));",
        replace: "    return batch;",
      },
    ],
    killedBy: [
      unit("store/batcher-interleavings.test.ts", FAILING_SEED, /expected \[ 'not sorted', .* to deeply equal \[\]/),
      script("race", "deadlocks", /^[1-9]\d* deadlocks in /),
      seeds("deaf", 400, /^seed \d+: transactions wait for each other$/),
    ],
  },
  {
    id: "M10",
    name: "joins tenant, scope and key by a separator",
    patches: [
      {
        file: "src/domain/key.ts",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what stands in the file
        find: "  return `${tenant.length}:${tenant}${scope.length}:${scope}${key}`;",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what will
        replace: "  return `${tenant}/${scope}/${key}`;",
      },
    ],
    killedBy: [
      unit(
        "domain/key.test.ts",
        "differs for every way to cut one text in three, with every separator",
        /expected '\[".* to be '\["/,
      ),
      unit(
        "domain/key-triples.test.ts",
        "no two triples share a record of the memory store",
        /expected \{ 'acquired new': \d+, .* to deeply equal \{ 'acquired new': 50000 \}/,
      ),
      seeds("any", 120, SIMULATED.waiting),
    ],
  },
  {
    id: "M12",
    name: "matches answers by their position, and says so if the key is another",
    patches: [
      {
        file: `${STORE}/batch-rows.ts`,
        find: "  for (const row of rows) {\n    const match = matches[Number(row.i) - 1];",
        replace: "  for (const [place, row] of rows.entries()) {\n    const match = matches[place];",
      },
    ],
    killedBy: [
      unit(
        "store/postgres/batch-rows.test.ts",
        "rows find their calls whatever their order, and calls without a row",
        /bug: a row of a batch is another call's/,
      ),
      seeds("any", 100, /^seed \d+: .* failed: Error: bug: a row of a batch is another call's/),
    ],
  },
  {
    id: "M12-blind",
    name: "matches answers by their position, whatever their key",
    patches: [
      {
        file: `${STORE}/batch-rows.ts`,
        find: `  for (const row of rows) {
    const match = matches[Number(row.i) - 1];
    if (match === undefined || !sameKey(match.call.key, row))`,
        replace: `  for (const [place, row] of rows.entries()) {
    const match = matches[place];
    if (match === undefined)`,
      },
    ],
    killedBy: [
      unit(
        "store/postgres/batch-rows.test.ts",
        "a row that answers another tenant's call is a bug, never an answer",
        /expected \[Function\] to throw an error/,
      ),
      postgres("store", "store/mixed-tenants.test.ts", "are each answered with what is the caller's own", UNDECIDED),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "M16",
    name: "names each try of a claim anew: the client's, and the server's after a lost connection",
    patches: [
      {
        file: `${STORE}/batcher.ts`,
        find: "      waiting.isInDoubt = true;\n",
        replace: `      waiting.isInDoubt = true;
      const { call } = waiting as { call: unknown } as { call: { claimId?: string } };
      if (call.claimId !== undefined) Object.assign(waiting, { call: { ...call, claimId: \`\${call.claimId.slice(0, 60)}+\` } });
`,
      },
      {
        file: "src/client/claim-call.ts",
        find: "  const claiming = retrying(runtime, { giveUpAtMs, signal, onError: note, waitMs }, (options, tryWaitMs) => {\n",
        replace: `  const claiming = retrying(runtime, { giveUpAtMs, signal, onError: note, waitMs }, (options, tryWaitMs) => {
    if (lost !== undefined) sent.claimId = crypto.randomUUID();
`,
      },
    ],
    killedBy: [
      unit(
        "client/lost-calls.test.ts",
        "an answer that is lost > of a claim is asked for again with the same claim_id",
        /expected \{ value: 3, replayed: false, .* to match object \{ value: 1, replayed: false,/,
      ),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "late-follower",
    name: "answers a call from a statement that was sent before it came",
    patches: [
      {
        file: `${STORE}/followers.ts`,
        find: "    if (follower.order >= sent) return false;\n",
        replace: "    if (follower.order >= sent + 1_000_000) return false;\n",
      },
    ],
    killedBy: [
      unit(
        "store/batcher.test.ts",
        "a thousand parallel calls of one key take two statements",
        /expected false to be true/,
      ),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "no-followers",
    name: "sends each call of a crowd by itself",
    patches: [
      {
        file: `${STORE}/followers.ts`,
        find: "    if (follower.order >= sent) return false;\n",
        replace: "    if (follower.order >= sent - 1_000_000) return false;\n",
      },
    ],
    killedBy: [
      unit("store/batcher.test.ts", "a thousand parallel calls of one key take two statements", /^- +"1 after 0",$/),
    ],
  },
  {
    id: "follower-any-payload",
    name: "answers a claim as another of its key was answered, whatever it asks for",
    patches: [
      {
        file: `${STORE}/claim-row.ts`,
        find: "  const followed = decideClaim(answer.record, follower, answer.now, 0n);\n  return followed.next === null ? followed.answer : null;",
        replace: "  return follower.mayAcquire === null ? null : answer;",
      },
    ],
    killedBy: [
      unit(
        "store/postgres/claim-row.test.ts",
        "of a replay is replayed, and its own payload is compared",
        /expected 'completed' to be 'FINGERPRINT_MISMATCH'/,
      ),
      seeds("any", 100, SIMULATED.unexplained),
    ],
  },
  {
    id: "swapped-sessions",
    name: "gives an answer on a session to whichever call of it has been open the longest",
    patches: [
      {
        file: "src/rpc/open-session.ts",
        find: "  #answer(call: SessionCall, answer: Message | RpcError): void {\n    if (this.#isOver) return;\n",
        replace: `  #answer(answered: SessionCall, answer: Message | RpcError): void {
    if (this.#isOver) return;
    const call = this.#open.values().next().value ?? answered;
`,
      },
    ],
    killedBy: [
      unit("rpc/session.test.ts", "overtake one that waits", /expected \[ 0n, 1n \] to deeply equal \[ 0n, 1n, 3n \]/),
    ],
  },
  {
    id: "shared-lane",
    name: "sends heartbeats behind claims, on their connections",
    patches: [
      {
        file: `${STORE}/store.ts`,
        find: "  const beating = database.lanes(1);",
        replace: "  const beating = claiming;",
      },
    ],
    killedBy: [faults("F17", /^ +figure: heartbeats/)],
  },
  {
    id: "named-behind-pooler",
    name: "prepares its statements on connections that a pooler has lent it",
    patches: [
      {
        file: `${STORE}/guarded-query.ts`,
        find: '  const config = { text, values: [...values], queryMode: "extended" };\n',
        replace: `  const name = text.includes("holdfast.record k") ? \`s\${text.length}\` : "";
  const config = { name, text, values: [...values], queryMode: "extended" };
`,
      },
    ],
    killedBy: [faults("F23", /^ +figure: statements that a connection did not know/)],
  },
];
