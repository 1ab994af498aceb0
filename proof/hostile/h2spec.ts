import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { openDatabase } from "./stand/database.ts";
import { faultsOf } from "./stand/faults.ts";
import { openStand } from "./stand/stand.ts";

const run = promisify(execFile);

/**
 * h2spec, which holds a server against RFC 9113 and 7541, run against the gRPC port and against a bare server of
 * node:http2: what fails at both is Node's, and what fails at ours alone is ours. The HTTP port speaks HTTP/1.1: of it
 * only that it hangs up on all of h2spec, and lives, is asked.
 */
const MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1";
/** A test of its report. */
const CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs;
const TEST_SECONDS = 2;
/** The default of `serve`. */
const MAX_CONCURRENT_STREAMS = 1000;
const RUN_MS_MAX = 600_000;

const HELP = `Runs h2spec against both ports of a real server.

usage: node proof/hostile/h2spec.ts [--program FILE] [--json]

  --program FILE  the program; without it, it is built by Go into a directory that is gone afterwards
  --json          prints one JSON object instead of text
  --help          prints this

Ends with 0 if nothing fails that does not fail at a bare server of Node too, with 1 if something does, with 2 if it
could not run: there is neither the program nor Go.
`;

interface Verdict {
  readonly tests: number;
  readonly skipped: number;
  /** Section and name of each that failed. */
  readonly failed: readonly string[];
}

const { values } = parseOptions();
if (values.help) process.stdout.write(HELP);
else process.exitCode = await main(values.program, values.json ?? false);

function parseOptions() {
  const options = {
    program: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ options, strict: true, allowPositionals: false });
  } catch (error) {
    process.stderr.write(`h2spec: ${(error as Error).message}\nSee node proof/hostile/h2spec.ts --help\n`);
    process.exit(2);
  }
}

async function main(given: string | undefined, json: boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-h2spec-"));
  try {
    const program = given ?? (await build(directory));
    return await judge(program, directory, json);
  } catch (error) {
    process.stderr.write(`h2spec: ${(error as Error).message}\n`);
    return 2;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function build(directory: string): Promise<string> {
  try {
    await run("go", ["install", MODULE], { env: { ...process.env, GOBIN: directory }, timeout: RUN_MS_MAX });
  } catch (error) {
    throw new Error(`it could not be built by Go: ${(error as Error).message}`);
  }
  return join(directory, "h2spec");
}

async function judge(program: string, directory: string, json: boolean): Promise<number> {
  await using database = await openDatabase();
  await using stand = await openStand(database.url);
  const { server } = stand;
  const since = { fromLine: server.lines.length, fromError: server.stderr().length };
  const ask = (name: string, address: string) => verdictOf(program, join(directory, `${name}.xml`), address);
  const grpc = await ask("grpc", server.grpc);
  const http = await ask("http", server.http.replace("http://", ""));
  const node = await againstNode((address) => ask("node", address));
  const faults = await faultsOf(server, since);
  const own = grpc.failed.filter((test) => !node.failed.includes(test));
  const isWhole = faults.exit === null && faults.bugs.length === 0 && faults.errors.length === 0;
  const report = { grpc, node, http: { tests: http.tests, failed: http.failed.length }, own, faults };
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    print(`gRPC port: ${grpc.tests} tests, ${grpc.failed.length} failed, ${grpc.skipped} skipped`);
    print(`bare node:http2: ${node.tests} tests, ${node.failed.length} failed, ${node.skipped} skipped`);
    print(`HTTP port, which speaks HTTP/1.1: hung up on ${http.failed.length} of ${http.tests}`);
    for (const test of grpc.failed) print(`  ${own.includes(test) ? "ours " : "Node's"} ${test}`);
    for (const fault of [faults.exit ?? "", ...faults.bugs, ...faults.errors]) if (fault !== "") print(`  ${fault}`);
  }
  return own.length === 0 && isWhole ? 0 : 1;
}

/** With the settings of ours, and as quick to say that what it is asked is not its business. */
async function againstNode(ask: (address: string) => Promise<Verdict>): Promise<Verdict> {
  const server = createServer({ settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS } });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 415 }, { endStream: true });
  });
  server.on("sessionError", () => undefined);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const verdict = await ask(`127.0.0.1:${port}`);
  server.close();
  return verdict;
}

async function verdictOf(program: string, file: string, address: string): Promise<Verdict> {
  const [host = "", port = ""] = address.split(":");
  const args = ["-h", host, "-p", port, "-o", String(TEST_SECONDS), "-j", file];
  // It ends with 1 when a test failed, and says which in its report.
  await run(program, args, { timeout: RUN_MS_MAX, maxBuffer: 2 ** 26 }).catch(() => undefined);
  return readReport(await readFile(file, "utf8"));
}

function readReport(xml: string): Verdict {
  const cases = [...xml.matchAll(CASE)];
  const failed = cases.filter(([, , , inside = ""]) => /<(failure|error)/.test(inside));
  return {
    tests: cases.length,
    skipped: cases.filter(([, , , inside = ""]) => inside.includes("<skipped")).length,
    failed: failed.map(([, section, name]) => `${section}: ${name}`),
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
