import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Arm, type Home, type Load, type Peer, REPLAYED_KEYS, RESULT } from "./peer.ts";
import { freePort, onPath, output, startProgram } from "./processes.ts";

const KEPT_MS = 86_400_000;
const BODY = JSON.stringify(RESULT);

/** A system package: `SET key value NX PX ttl`, with every write in the append-only file and on the disk before its answer. */
export async function startRedis({ directory }: Home): Promise<Peer> {
  for (const program of ["redis-server", "redis-benchmark"]) {
    if (!onPath(program)) throw new Error(`${program} is not on PATH; it comes with the system's package of Redis`);
  }
  const version = (await output("redis-server", ["--version"])).match(/v=(\S+)/)?.[1] ?? "";
  const port = await freePort();
  const home = join(directory, "redis");
  await mkdir(home);
  const server = await startProgram(
    "redis-server",
    [
      ...["--bind", "127.0.0.1", "--port", String(port), "--dir", home],
      ...["--appendonly", "yes", "--appendfsync", "always", "--save", ""],
    ],
    { ready: /Ready to accept connections/ },
  );
  const bench = createBench(port);
  const write = ["SET", "key:__rand_int__", BODY, "NX", "PX", String(KEPT_MS)];
  const fresh = ["-r", "1000000000"];
  const few = ["-r", String(REPLAYED_KEYS)];
  // As many draws as make it sure that each of the few keys is there.
  await bench(64, 40 * REPLAYED_KEYS, [...few, "SET", "ended:__rand_int__", BODY]);
  const writes = (width: number): Arm => ({
    id: `redis-write-${width}`,
    what: `Redis: SET NX PX, one of 10⁹ keys, ${width} connections`,
    unit: "writes/s",
    run: forSeconds((count) => bench(width, count, [...fresh, ...write])),
  });
  return {
    version: `Redis ${version}, by redis-benchmark`,
    arms: [
      writes(64),
      writes(256),
      {
        id: "redis-read-64",
        what: "Redis: GET, one of 500 stored results, 64 connections",
        unit: "reads/s",
        run: forSeconds((count) => bench(64, count, [...few, "GET", "ended:__rand_int__"])),
      },
    ],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

type Bench = (width: number, count: number, command: readonly string[]) => Promise<Load>;

function createBench(port: number): Bench {
  return async (width, count, command) => {
    const args = ["-p", String(port), "-c", String(width), "-n", String(count), "--csv", ...command];
    const [, line = ""] = (await output("redis-benchmark", args)).trim().split("\n");
    // "test","rps","avg","min","p50","p95","p99","max"; the name of the test may have commas in it.
    const cells = line.slice(1, -1).split('","').slice(-7).map(Number);
    const [perSecond = Number.NaN, , , p50Ms = Number.NaN, , p99Ms = Number.NaN] = cells;
    if (cells.some(Number.isNaN)) throw new Error(`redis-benchmark printed ${line}`);
    return { perSecond, p50Ms, p99Ms };
  };
}

/** redis-benchmark counts calls, not seconds: each run is as long as the speed of the one before it makes it. */
function forSeconds(run: (count: number) => Promise<Load>): Arm["run"] {
  let perSecond = 10_000;
  return async (seconds) => {
    const load = await run(Math.ceil(perSecond * seconds));
    perSecond = load.perSecond;
    return load;
  };
}
