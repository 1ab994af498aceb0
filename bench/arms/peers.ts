import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemClock as clock } from "../../src/clock.ts";
import type { BenchContext } from "../context.ts";
import { figure, pick } from "../figures.ts";
import { createReadCost } from "../growth/cost.ts";
import { type Child, startChild } from "../load/child.ts";
import { startOurs } from "../load/ours.ts";
import { interleave } from "../measure.ts";
import type { PeersAnswer, PeersHello, PeersOrder, ToldArm } from "../peers/orders.ts";
import type { Load } from "../peers/peer.ts";
import { cpuMicrosOfTree } from "../process-cpu.ts";
import { chartsOfPeers, type Rates, ratiosToPeers } from "../ratios.ts";
import type { Figure, Section } from "../report.ts";

/** A folder with its own dependencies: what is compared with the project is not part of it. */
const PEERS = new URL("../peers/", import.meta.url);
const ROUNDS_MAX = 3;
/** In each round, when nobody is called. */
const IDLE_MS = 1_000;

const HOW = `
What somebody would pick instead, and the service, on one machine, in turn with each other: each runs in every round, with
the others idle, and a ratio is taken round by round. *Idle* is what all of them together, and Postgres, take of one core
when nobody calls any of them: whoever is measured shares the machine with that. Each answers a call only when what it wrote
is on the disk. *Unique* is work under a key that was never seen before; *replay* is the stored answer to one of 500 keys
that have ended. The work itself is nothing, and its answer a JSON object of 70 bytes. Latencies are those of a whole
execution, as its caller sees it. In a ratio each side is at the better of 64 and 256 calls open.

What sends the load is not alike, and a part of what each figure says: the service's callers are the lean client, with frames
made by hand, some 10 µs of its processor for a call, which is less than an application's own client takes; Restate's
and Redis's are wrk, where there is one, and redis-benchmark, in C, which are as lean. DBOS and @adcp/sdk are libraries in the caller's process: all of
their work for a call, other than Postgres's, is in that one process, which is what they are and what their callers pay. wrk
takes whole seconds, so that a round of Restate may be longer than one of the others.

- **Restate** is a server and a service in TypeScript beside it, called over HTTP with an \`Idempotency-Key\`; default
  settings (24 partitions). It journals the call and the handler's answer, with an fsync of its log for each batch, calls the
  handler itself, and starts it again if it fails; a second call with the key waits for the first. No fingerprint tells a key
  that is used again for other work, and after the retention the key runs again. Steps inside a handler, of which this one has
  none, are further entries of the journal.
- **DBOS** is a library in the caller's process, on the Postgres that Holdfast is measured on. A workflow without steps writes
  its status row and its input when it starts, and its status and output when it ends: two commits. Whoever starts it again
  gets its result; steps, of which this one has none, are further rows. A replay tries the insert in a transaction that is
  rolled back, and then reads the result.
- **Redis** with \`appendonly yes\` and \`appendfsync always\`: all writes of one turn of its event loop share a flush. \`SET
  NX PX\` alone is a lock that runs out: no fence, no result, no takeover that tells the first holder, no waiting. It is one of
  the two writes that a claim with its completion are, of a key that is one of 10⁹ at random, so that hardly any is there
  already. What stands for a replay is a GET, of which nothing is durable.
- **@adcp/sdk** is a library in the caller's process, on the same Postgres: a SELECT, an INSERT that claims and an upsert with
  the result, two of them commits. A claim that is not completed can be claimed again after 120 s; there is no fence, no
  heartbeat and no waiting: a second caller is told to come back. A replay is one SELECT.`;

/** Restate, DBOS, Redis and @adcp/sdk beside the service. What cannot be measured here is named, and has no figures. */
export async function benchPeers(context: BenchContext): Promise<Section> {
  const section = { id: "peers", title: "Beside what somebody would pick instead" };
  if (!existsSync(new URL("node_modules", PEERS))) {
    return { ...section, how: `Not measured: \`npm run bench:peers\` installs the peers first.`, figures: [] };
  }
  const { postgres, ms, full } = context;
  const rounds = full ? context.rounds : Math.min(context.rounds, ROUNDS_MAX);
  const directory = join(postgres.directory, "peers");
  await mkdir(directory);
  const theirUrl = await postgres.database("peers");
  await using ours = await startOurs(await postgres.database("peers_ours"));
  await using theirs = await startChild<PeersHello>(new URL("run.ts", PEERS), [theirUrl, directory]);
  const readPostgres = await createReadCost(theirUrl);
  const readMicros = async () => {
    const trees = await Promise.all([theirs.pid, ...ours.pids].map(cpuMicrosOfTree));
    return trees.reduce((sum, each) => sum + each, (await readPostgres()).cpuMicros);
  };
  const failures = new Map(
    theirs.hello.peers.flatMap(({ name, error }) => (error === undefined ? [] : [[name, error]])),
  );
  const cells = [
    ...ours.arms,
    ...theirs.hello.peers.flatMap(({ name, arms }) =>
      arms.map((arm) => ({ ...arm, run: runOf(theirs, name, arm, failures) })),
    ),
  ];
  const measured = await interleave<string, Load | null>(
    rounds,
    Object.fromEntries(cells.map(({ id, run }) => [id, (share) => run((ms / 1000) * share)])),
  );
  const idle: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [before, fromMs] = [await readMicros(), performance.now()];
    await clock.sleep(IDLE_MS);
    idle.push(((await readMicros()) - before) / (performance.now() - fromMs) / 10);
  }
  const loadsOf = (id: string) => (measured[id] ?? []).filter((load) => load !== null);
  const rates: Rates = Object.fromEntries(cells.map(({ id }) => [id, pick(loadsOf(id), ({ perSecond }) => perSecond)]));
  const versions = theirs.hello.peers.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const how = [
    HOW.trim(),
    `Measured: ${versions.join("; ")}. ${rounds} rounds.`,
    ...[...failures].map(([name, error]) => `Not measured, **${name}**: ${oneLine(error)}`),
  ];
  return {
    ...{ ...section, how: how.join("\n\n"), charts: chartsOfPeers(rates) },
    figures: [
      ...ratiosToPeers(rates),
      ...cells.flatMap((cell) => figuresOf(cell, loadsOf(cell.id))),
      figure("idle", "all of them and Postgres, when nobody calls", "% of a core", idle),
    ],
  };
}

/** A peer that has failed has no figures of this arm. */
function runOf(
  theirs: Child<PeersHello>,
  peer: string,
  { id }: ToldArm,
  failures: Map<string, string>,
): (seconds: number) => Promise<Load | null> {
  return async (seconds) => {
    if (failures.has(peer)) return null;
    const answer = await theirs.ask<PeersAnswer>({ arm: id, seconds } satisfies PeersOrder);
    if ("load" in answer) return answer.load;
    failures.set(peer, `${id}: ${answer.error}`);
    return null;
  };
}

function figuresOf({ id, what, unit }: ToldArm, loads: readonly Load[]): readonly Figure[] {
  if (loads.length === 0) return [];
  const part = (suffix: string, name: string, of: (load: Load) => number) =>
    figure(`${id}-${suffix}`, `${what}, ${name}`, "ms", pick(loads, of));
  return [
    figure(
      `${id}-rate`,
      what,
      unit,
      pick(loads, ({ perSecond }) => perSecond),
    ),
    part("p50", "p50", ({ p50Ms }) => p50Ms),
    part("p99", "p99", ({ p99Ms }) => p99Ms),
  ];
}

function oneLine(error: string): string {
  return error.replaceAll(/\s+/g, " ").trim();
}
