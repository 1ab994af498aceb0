// Asks the registry what is known against our dependencies, and fails on everything that scripts/audit/exceptions.json does
// not except, with a reason and a day. Exit codes: 0 nothing, 1 something, or an exception that has ended or is needed no
// longer, 2 it could not run, 3 the registry has no answer.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { dayOf, readExceptions } from "./audit/exceptions.ts";
import { readAnswer } from "./audit/report.ts";
import { EXIT_CODES, judge, QUESTIONS, type Verdict } from "./audit/verdict.ts";

const EXCEPTIONS = new URL("audit/exceptions.json", import.meta.url);
const MS_MAX = 60_000;

const HELP = `usage: npm run audit [-- --exceptions FILE]

  --exceptions FILE  instead of scripts/audit/exceptions.json: [{ "id": "GHSA-…", "why": "…", "until": "2027-01-31" }]
  --help             this
`;

const FLAGS = { exceptions: { type: "string" }, help: { type: "boolean", short: "h" } } as const;

/** Never from the cache alone: `offline` in somebody's configuration makes npm report, without asking, that all is well. */
const ALWAYS = ["audit", "--json", "--package-lock-only", "--no-offline", "--fetch-retries=1", "--fetch-timeout=20000"];

function run(args: readonly string[]): string {
  // The npm that runs this script, if one does.
  const npm = process.env["npm_execpath"];
  const [file, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { stdout, error } = spawnSync(file, [...before, ...ALWAYS, ...args], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
    timeout: MS_MAX,
    maxBuffer: 64 * 1024 * 1024,
    // Its own explanations of an error; the reason is in the JSON.
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (error === undefined) return stdout;
  if ((error as NodeJS.ErrnoException).code !== "ETIMEDOUT") throw error;
  return JSON.stringify({ message: `no answer within ${MS_MAX / 1000} s` });
}

function audit(): Verdict {
  const { values } = parseArgs({ options: FLAGS, strict: true, allowPositionals: false });
  if (values.help) return { kind: "clean", lines: [HELP.trimEnd()] };
  const exceptions = readExceptions(readFileSync(values.exceptions ?? EXCEPTIONS, "utf8"));
  return judge(
    QUESTIONS.map(({ args }) => readAnswer(run(args))),
    exceptions,
    dayOf(new Date()),
  );
}

function auditOrSayWhyNot(): Verdict {
  try {
    return audit();
  } catch (error) {
    return { kind: "unusable", lines: [`the audit could not run: ${(error as Error).message}`] };
  }
}

const { kind, lines } = auditOrSayWhyNot();
console.log(lines.join("\n"));
process.exitCode = EXIT_CODES[kind];
