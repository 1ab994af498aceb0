import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { jsonOf, parse, runProgram, SWITCH, TEXT } from "../command-line.ts";
import { readVerdict, type Verdict } from "./h2spec/verdict.ts";
import { openDatabase } from "./stand/database.ts";
import { faultsOf } from "./stand/faults.ts";
import { openStand } from "./stand/stand.ts";

const execute = promisify(execFile);

/**
 * h2spec, which holds a server against RFC 9113 and 7541, run against the gRPC port and against a bare server of
 * node:http2: what fails at both is Node's, and what fails at ours alone is ours. The HTTP port speaks HTTP/1.1: of it
 * only that it hangs up on all of h2spec, and lives, is asked.
 */
const MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1";
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
could not run: there is neither the program nor Go, or it has run fewer tests than it has.
`;

const program = { name: "h2spec", command: "node proof/hostile/h2spec.ts", help: HELP };
const flags = { program: TEXT, json: SWITCH } as const;
const parsed = parse({ args: process.argv.slice(2), flags }, ({ program: file, json = false }) => {
  if (file === "") throw new Error("--program takes the name of a file");
  return { kind: "run", options: { file, json } };
});
await runProgram(program, parsed, ({ options: { file, json } }) => run(file, json));

async function run(given: string | undefined, json: boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-h2spec-"));
  try {
    return await judge(given ?? (await build(directory)), directory, json);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function build(directory: string): Promise<string> {
  try {
    await execute("go", ["install", MODULE], { env: { ...process.env, GOBIN: directory }, timeout: RUN_MS_MAX });
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
  const ask = (name: string, address: string, which: string) =>
    verdictOf(program, join(directory, `${name}.xml`), address, which);
  const grpc = await ask("grpc", server.grpc, "the gRPC port");
  const http = await ask("http", server.http.replace("http://", ""), "the HTTP port");
  const node = await againstNode((address) => ask("node", address, "a bare server of node:http2"));
  const faults = await faultsOf(server, since);
  const own = grpc.failed.filter((test) => !node.failed.includes(test));
  const isWhole = faults.exit === null && faults.bugs.length === 0 && faults.errors.length === 0;
  const report = { grpc, node, http: { tests: http.tests, failed: http.failed.length }, own, faults };
  if (json) process.stdout.write(jsonOf(report));
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

async function verdictOf(program: string, file: string, address: string, which: string): Promise<Verdict> {
  const [host = "", port = ""] = address.split(":");
  const args = ["-h", host, "-p", port, "-o", String(TEST_SECONDS), "-j", file];
  // It ends with 1 when a test failed, and says which in its report.
  await execute(program, args, { timeout: RUN_MS_MAX, maxBuffer: 2 ** 26 }).catch(() => undefined);
  return readVerdict(await readFile(file, "utf8"), which);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
