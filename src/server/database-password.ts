import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Clock } from "../clock.ts";
import { partsOf } from "../store/postgres/address.ts";
import type { Config } from "./config.ts";
import { OperatorError } from "./operator-error.ts";

const run = promisify(execFile);

export type PasswordConfig = Pick<Config, "databasePasswordFile" | "databasePasswordCommand">;

/** Tells the password for a new connection. Throws `OperatorError`, in which nothing stands that is secret. */
export type Password = () => Promise<string>;

/** A token for a database is good for minutes at least, and all connections that are opened at once need one. */
const KEPT_MS = 5_000;
/** A command that fails is not asked again by every connection that tries. */
const FAILURE_KEPT_MS = 1_000;
const COMMAND_MS_MAX = 10_000;
const PASSWORD_BYTES_MAX = 64 * 1024;

/** Null when the address has a password of its own, or there is no other. */
export function passwordFor(url: string, placement: string, config: PasswordConfig, clock: Clock): Password | null {
  const { databasePasswordFile: file, databasePasswordCommand: command } = config;
  if (hasPassword(url)) return null;
  if (file !== null) return () => readPassword(file.replaceAll("{placement}", placement));
  if (command !== null) return kept(() => runCommand(command, url, placement), clock);
  return null;
}

const OWN_PASSWORD = /^[a-z]+:\/\/(?:[^/?#@]*:[^/?#]+@|[^?#]*\?(?:[^#]*&)?password=[^&])/;

/** In the URL itself; that of PGPASSWORD is nobody's in particular. */
export function hasPassword(url: string): boolean {
  return OWN_PASSWORD.test(url);
}

async function readPassword(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new OperatorError(`--database-password-file cannot be read (${error.code}): ${path}`);
  });
  return withoutNewline(text, `--database-password-file is empty: ${path}`);
}

/** What it prints is the password, and what it says on its standard error may hold one too: neither is repeated. */
async function runCommand(command: string, url: string, placement: string): Promise<string> {
  const { host, port, user, database } = partsOf(url);
  const connection = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database };
  const env = { ...process.env, ...connection, HOLDFAST_PLACEMENT: placement };
  const options = { env, timeout: COMMAND_MS_MAX, maxBuffer: PASSWORD_BYTES_MAX, killSignal: "SIGKILL" as const };
  const { stdout } = await run("/bin/sh", ["-c", command], options).catch((error: unknown) => {
    throw new OperatorError(`--database-password-command ${endOf(error)}; run it by hand to see what it says`);
  });
  return withoutNewline(stdout, "--database-password-command printed nothing");
}

function endOf(error: unknown): string {
  const { code, killed, signal } = error as { code?: unknown; killed?: boolean; signal?: unknown };
  if (code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `printed more than ${PASSWORD_BYTES_MAX} bytes`;
  if (killed) return `did not end within ${COMMAND_MS_MAX / 1000} s`;
  if (typeof code === "number") return `ended with ${code}`;
  return `could not be run (${code ?? signal})`;
}

/** The one at its end, which editors and commands add and no password has. */
function withoutNewline(text: string, ifEmpty: string): string {
  const password = text.replace(/\r?\n$/, "");
  if (password === "") throw new OperatorError(ifEmpty);
  return password;
}

/** One answer for all who ask at about the same time. */
function kept(ask: Password, clock: Clock): Password {
  let answer: Promise<string> | null = null;
  let goodUntilMs = 0;
  return () => {
    if (answer === null || clock.monotonicMs() >= goodUntilMs) {
      const asked = ask();
      answer = asked;
      goodUntilMs = Number.POSITIVE_INFINITY;
      const keep = (ms: number) => () => {
        if (answer === asked) goodUntilMs = clock.monotonicMs() + ms;
      };
      asked.then(keep(KEPT_MS), keep(FAILURE_KEPT_MS));
    }
    return answer;
  };
}
