// Asks the registry what is known against our dependencies, those of every lock file of the tree, and fails on everything
// that the lock's list in scripts/audit/ does not except, with a reason and a day. Exit codes: 0 nothing, 1 something, or an exception that has ended or is needed no
// longer, 2 it could not run, 3 the registry has no answer.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse, runProgram, TEXT } from "../proof/command-line.ts";
import { dayOf, readExceptions } from "./audit/exceptions.ts";
import { LOCKS, type Lock } from "./audit/locks.ts";
import { readAnswer } from "./audit/report.ts";
import { EXIT_CODES, judge, together, type Verdict } from "./audit/verdict.ts";

const MS_MAX = 60_000;

const HELP = `usage: npm run audit [-- --exceptions FILE]

  --exceptions FILE  instead of scripts/audit/exceptions.json: [{ "id": "GHSA-…", "why": "…", "until": "2027-01-31" }]
  --help             this

Asked about are the lock files of ${LOCKS.map(({ directory }) => directory).join(", ")}, each with a list of exceptions of its own:
${LOCKS.map(({ exceptions }) => `  scripts/${exceptions}`).join("\n")}

Ends with 0 if nothing is known, with 1 if something is, or an exception has ended or is needed no longer, with 2 if it
could not run, with 3 if the registry has no answer.
`;

const FLAGS = { exceptions: TEXT } as const;

/** Never from the cache alone: `offline` in somebody's configuration makes npm report, without asking, that all is well. */
const ALWAYS = ["audit", "--json", "--package-lock-only", "--no-offline", "--fetch-retries=1", "--fetch-timeout=20000"];

function askNpm(directory: string, args: readonly string[]): string {
  // The npm that runs this script, if one does.
  const npm = process.env["npm_execpath"];
  const [file, before] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { stdout, error } = spawnSync(file, [...before, ...ALWAYS, ...args], {
    cwd: new URL(`../${directory}/`, import.meta.url),
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

/** @param file instead of the root's own list */
function audit({ directory, questions, exceptions }: Lock, file: string | undefined): Verdict {
  const own = new URL(exceptions, import.meta.url);
  const excepted = readExceptions(readFileSync(directory === "." && file !== undefined ? file : own, "utf8"));
  const answers = questions.map(({ args }) => readAnswer(askNpm(directory, args)));
  return judge(answers, excepted, dayOf(new Date()), questions);
}

function auditOrSayWhyNot(lock: Lock, file: string | undefined): Verdict {
  try {
    return audit(lock, file);
  } catch (error) {
    return { kind: "unusable", lines: [`the audit could not run: ${(error as Error).message}`] };
  }
}

const parsed = parse({ args: process.argv.slice(2), flags: FLAGS }, ({ exceptions: file }) => {
  if (file === "") throw new Error("--exceptions takes the name of a file");
  return { kind: "run", file };
});
await runProgram({ name: "audit", command: "npm run audit --", help: HELP }, parsed, async ({ file }) => {
  const verdicts = LOCKS.map((lock) => ({ ...auditOrSayWhyNot(lock, file), directory: lock.directory }));
  const { kind, lines } = together(verdicts);
  console.log(lines.join("\n"));
  return EXIT_CODES[kind];
});
