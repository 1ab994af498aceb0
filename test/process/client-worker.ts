// One client in a process of its own: `client-worker.ts ADDRESSES OPTIONS`. Runs `once` and says on standard output, one
// line of JSON each, when the work begins and what became of it. The work goes on until a line comes on standard input,
// or for options.workMs. Never calls close(): that a client holds no process open is part of what is tested.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, HoldfastError } from "holdfast/client";

const [addresses = "", json = "{}"] = process.argv.slice(2);
const { workMs, transport = "grpc", ...options } = JSON.parse(json);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const holdfast = createClient({
  addresses: addresses.split(","),
  transport,
  onWarning: ({ kind }) => say({ event: "warning", kind }),
});

async function told(): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  for await (const _ of lines) break;
  lines.close();
  process.stdin.destroy();
}

try {
  const done = await holdfast.once({ input: null, ...options }, async (attempt) => {
    attempt.signal.addEventListener("abort", () => say({ event: "aborted", why: attempt.signal.reason.why }));
    say({ event: "working", attempt: attempt.number, reason: attempt.reason });
    await (workMs === undefined ? told() : sleep(workMs));
    return { pid: process.pid };
  });
  say({ event: "done", ...done });
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  say({ event: "failed", name: error.name, reason: error.reason });
}
