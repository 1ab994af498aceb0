import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildGhz, GHZ_VERSION, goVersion } from "./ghz/build.ts";
import { endKeys } from "./ghz/ended-keys.ts";
import { holdKeys } from "./ghz/held-keys.ts";
import { type GhzOptions, HELP, parseGhzOptions } from "./ghz/options.ts";
import { type GhzRun, runGhz } from "./ghz/run.ts";
import { readHost } from "./machine.ts";
import { serve } from "./serve.ts";

try {
  const options = parseGhzOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(HELP);
  else process.exitCode = await run(options);
} catch (error) {
  console.error(`bench:ghz: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}

async function run({ configs, seconds, server, out }: GhzOptions): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const startedAt = new Date().toISOString();
  // A run that measured nothing must not look like one that did.
  const go = await goVersion();
  if (go === null)
    throw new Error("ghz is built with the Go toolchain, and there is no go on PATH: nothing was measured");
  console.error(`builds ghz ${GHZ_VERSION} with ${go} …`);
  const ghz = await buildGhz();
  const address = server ?? (await startServer(stack));
  await endKeys(address);
  await using _held = configs.some(({ name }) => name === "wait") ? await holdKeys(address) : null;
  const runs: GhzRun[] = [];
  for (const config of configs) {
    console.error(`${config.name}: ${config.about} …`);
    const done = await runGhz({ ghz, config, address, seconds, before: runs });
    console.error(`  ${sentence(done)}`);
    runs.push(done);
  }
  const about = { machine: await readHost(), startedAt, ghz: GHZ_VERSION, go, server: server ?? "embedded" };
  const json = `${JSON.stringify({ ...about, seconds, runs }, null, 2)}\n`;
  if (out === null) process.stdout.write(json);
  else await writeFile(out, json);
  return runs.every(({ failed }) => failed === 0) ? 0 : 1;
}

async function startServer(stack: AsyncDisposableStack): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-ghz-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  return stack.use(await serve(["--data-dir", directory])).grpc;
}

function sentence({ perSecond, unit, p50Ms, p99Ms, failed, errors }: GhzRun): string {
  const rate = `${perSecond.toLocaleString("en", { maximumFractionDigits: 0 })} ${unit}/s`;
  const failures = failed === 0 ? "" : `, ${failed} FAILED: ${JSON.stringify(errors)}`;
  return `${rate}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms${failures}`;
}
