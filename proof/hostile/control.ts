import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { parse, runProgram } from "../command-line.ts";
import { createChance } from "../sim/chance.ts";
import { type Attack, createTally } from "./frames/attack.ts";
import { ATTACKS } from "./frames/attacks.ts";

/** The last version before malformed requests and malformed compressed messages were mended, in 1.14.4. */
const OLD = "1.14.3";
/** Each must end a server of that version, or it shows nothing of a newer one. */
const DEADLY = ["refused-reset", "gzip-spoilt"];
const ROUNDS = 3;
/** What a stream's error does, it does at once. */
const SETTLE_MS = 500;
const INSTALL_MS_MAX = 300_000;
const ROOT = join(import.meta.dirname, "../..");

const HELP = `Shows that attacks which the servers outlive can end one: grpc-js ${OLD}, by itself, dies of them.

usage: node proof/hostile/control.ts

  --help  prints this

npm fetches grpc-js ${OLD} into a folder that is gone afterwards; the version that is installed here is met beside it.
Ends with 0 if the old one dies of ${DEADLY.join(" and of ")}, and the installed one of nothing, with 1 if not, with 2
if the old one could not be had.
`;

const program = { name: "control", command: "node proof/hostile/control.ts", help: HELP };
await runProgram(
  program,
  parse({ args: process.argv.slice(2), flags: {} }, () => ({ kind: "run" as const })),
  run,
);

async function run(): Promise<number> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "holdfast-grpc-js-"));
  await install(folder.path);
  let isAsItMust = true;
  for (const attack of ATTACKS.filter(({ name }) => DEADLY.includes(name))) {
    const [old, installed] = [await endOf(attack, folder.path), await endOf(attack, ROOT)];
    isAsItMust &&= old !== null && installed === null;
    process.stdout.write(`${attack.name}\n`);
    process.stdout.write(`  grpc-js ${OLD}: ${old ?? "lives, so the attack shows nothing"}\n`);
    process.stdout.write(`  as installed here: ${installed ?? "lives"}\n`);
  }
  return isAsItMust ? 0 : 1;
}

async function install(folder: string): Promise<void> {
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const args = ["install", ...flags, `@grpc/grpc-js@${OLD}`];
  await promisify(execFile)("npm", args, { cwd: folder, timeout: INSTALL_MS_MAX });
}

/** What a server of that folder's grpc-js said when it died of the attack; null: it lives. */
async function endOf(attack: Attack, folder: string): Promise<string | null> {
  const server = spawn(process.execPath, [join(import.meta.dirname, "stand/bare-server.ts"), folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const died = once(server, "close").then(() => /^.*Error.*$/m.exec(said)?.[0].trim() ?? "ended, and said nothing");
  try {
    const port = await Promise.race([once(server.stdout, "data").then(String), died]);
    if (!/^\d+\s*$/.test(port)) throw new Error(`the server of ${folder} did not start: ${said}`);
    return await Promise.race([died, meet(attack, `127.0.0.1:${port.trim()}`)]);
  } finally {
    server.kill("SIGKILL");
  }
}

async function meet(attack: Attack, address: string): Promise<null> {
  for (let round = 0; round < ROUNDS; round++) {
    const target = { chance: createChance(round), address, port: "grpc", authorization: "" } as const;
    await attack.round({ ...target, signal: AbortSignal.timeout(20_000), tally: createTally() });
  }
  await pause(SETTLE_MS);
  return null;
}
