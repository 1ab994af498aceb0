import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { BenchContext } from "../context.ts";
import { figure, pick } from "../figures.ts";
import type { Figure, Section } from "../report.ts";

/** A folder with its own dependencies: what is compared with the project is not part of it. */
const PEERS = new URL("../peers/", import.meta.url);

const HOW = `
What somebody would pick instead, in the same minutes on the same machine, in turn with each other. Each answers a call only
when what it wrote is on the disk. *Unique* is work under a key that was never seen before; *replay* is the stored answer to
one of 500 keys that have ended. The work itself is nothing, and its answer a JSON object of 70 bytes. Latencies are those of
a whole execution, as its caller sees it.

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
  the two writes that a claim with its completion are. What stands for a replay is a GET, of which nothing is durable.
- **@adcp/sdk** is a library in the caller's process, on the same Postgres: a SELECT, an INSERT that claims and an upsert with
  the result, two of them commits. A claim that is not completed can be claimed again after 120 s; there is no fence, no
  heartbeat and no waiting: a second caller is told to come back. A replay is one SELECT.`;

interface Load {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What bench/peers/run.ts prints. */
interface Run {
  readonly peers: readonly {
    readonly name: string;
    readonly version?: string;
    readonly error?: string;
    readonly arms: readonly {
      readonly id: string;
      readonly what: string;
      readonly unit: string;
      readonly loads: readonly Load[];
    }[];
  }[];
}

/** Restate, DBOS, Redis and @adcp/sdk. What cannot be measured here is named with the reason, and has no figures. */
export async function benchPeers({ postgres, rounds, ms, full }: BenchContext): Promise<Section> {
  const section = { id: "peers", title: "What somebody would pick instead" };
  if (!existsSync(new URL("node_modules", PEERS))) {
    return { ...section, how: `Not measured: \`npm run bench:peers\` installs the peers first.`, figures: [] };
  }
  const directory = await mkdtemp(join(tmpdir(), "holdfast-peers-"));
  try {
    const counted = full ? rounds : Math.min(rounds, 3);
    const database = await postgres.database("peers");
    const { peers } = await run(["--postgres", database, "--directory", directory], counted, ms);
    const versions = peers.flatMap(({ version }) => (version === undefined ? [] : [version]));
    const missing = peers.flatMap(({ name, error }) => (error === undefined ? [] : [`**${name}**: ${oneLine(error)}`]));
    const how = [
      HOW.trim(),
      `Measured: ${versions.join("; ")}. ${counted} rounds.`,
      ...missing.map((each) => `Not measured, ${each}`),
    ];
    return { ...section, how: how.join("\n\n"), figures: peers.flatMap(({ arms }) => arms.flatMap(figuresOf)) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function run(args: readonly string[], rounds: number, ms: number): Promise<Run> {
  const how = ["--rounds", String(rounds), "--seconds", String(ms / 1000)];
  const script = fileURLToPath(new URL("run.ts", PEERS));
  const child = spawn(process.execPath, [script, ...args, ...how], { stdio: ["ignore", "pipe", "inherit"] });
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);
  const printed = await text(child.stdout);
  process.off("exit", kill);
  if (!printed.startsWith("{")) throw new Error("the peers' run ended without figures; what it said is above");
  return JSON.parse(printed) as Run;
}

function figuresOf({ id, what, unit, loads }: Run["peers"][number]["arms"][number]): readonly Figure[] {
  if (loads.length === 0) return [];
  return [
    figure(
      `${id}-rate`,
      what,
      unit,
      pick(loads, ({ perSecond }) => perSecond),
    ),
    figure(
      `${id}-p50`,
      `${what}, p50`,
      "ms",
      pick(loads, ({ p50Ms }) => p50Ms),
    ),
    figure(
      `${id}-p99`,
      `${what}, p99`,
      "ms",
      pick(loads, ({ p99Ms }) => p99Ms),
    ),
  ];
}

function oneLine(error: string): string {
  return error.replaceAll(/\s+/g, " ").trim();
}
