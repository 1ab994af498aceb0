import type { ServerProcess } from "../../../test/process/server.ts";
import { INSPECTOR_LINE } from "./collect.ts";

/** What a server must never do, whatever is sent to it. */
export interface ServerFaults {
  /** How it ended; null: it lives. */
  readonly exit: string | null;
  /** Calls that it answered INTERNAL, UNKNOWN or DATA_LOSS, by its own metrics: `method code count`. */
  readonly bugs: readonly string[];
  /** Lines of its log of level error, and what it wrote to standard error: uncaught errors are among them. */
  readonly errors: readonly string[];
}

/**
 * That the database was not heard in time says something of the machine, whose processors are also the database's and the
 * attackers'; what it would mean for callers, the honest client says.
 */
const EXCUSED = /^the database (still )?does not answer$/;

/** What was said before is known. */
export interface Since {
  readonly fromLine: number;
  /** Of standard error. */
  readonly fromError: number;
}

export async function faultsOf(server: ServerProcess, { fromLine, fromError }: Since): Promise<ServerFaults> {
  const exit = await Promise.race([server.exited, Promise.resolve(null)]);
  const errors = server.lines
    .slice(fromLine)
    .filter(({ level, message }) => (level === "error" || level === "fatal") && !EXCUSED.test(message))
    .map((line) => JSON.stringify(line).slice(0, 1000));
  const stderr = server.stderr().slice(fromError).replaceAll(INSPECTOR_LINE, "");
  return {
    exit: exit === null ? null : `${exit.signal ?? exit.code}`,
    bugs: exit === null ? await bugsOf(server) : [],
    errors: [...errors, ...(stderr === "" ? [] : [stderr.slice(0, 2000)])],
  };
}

async function bugsOf({ http }: ServerProcess): Promise<readonly string[]> {
  const page = await fetch(`${http}/metrics`).then(
    (response) => response.text(),
    () => "",
  );
  if (page === "") return ["/metrics does not answer"];
  const handled =
    /^grpc_server_handled_total\{.*grpc_method="(\w+)".*grpc_code="(Internal|Unknown|DataLoss)"\} (\d+)$/gm;
  const found = [...page.matchAll(handled)].filter(([, , , count]) => count !== "0");
  return found.map(([, method, code, count]) => `${method} ${code} ${count}`);
}

/** How often the messages of warnings were logged. */
export function warningsOf({ lines }: ServerProcess, fromLine: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { level, message } of lines.slice(fromLine)) {
    if (level === "warn" || EXCUSED.test(message)) counts[message] = (counts[message] ?? 0) + 1;
  }
  return counts;
}
