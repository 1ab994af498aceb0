// Uses the embedded Postgres of the directory named by the first argument until its standard input ends, and says on
// standard output, as one line of JSON, what it got. As root, a second argument is the user id to become before.
import { once } from "node:events";
import { systemClock } from "../../src/clock.ts";
import { startEmbeddedPostgres } from "../../src/server/embedded-postgres.ts";

const [dataDirectory = "", uid] = process.argv.slice(2);
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
const events: string[] = [];
const note = (_: object, message: string) => events.push(message);
try {
  const log = { info: note, warn: note };
  const server = await startEmbeddedPostgres({ dataDirectory, log, clock: systemClock });
  const { url, pid, owner, version } = server;
  process.stdout.write(`${JSON.stringify({ url, pid, owner, version, events })}\n`);
  process.stdin.resume();
  await once(process.stdin, "end");
  await server.stop();
} catch (error) {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  process.stdout.write(`${JSON.stringify({ code, message })}\n`);
}
