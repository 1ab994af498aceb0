import { setTimeout as pause } from "node:timers/promises";
import type { Rpc } from "../../../src/client/runtime.ts";
import { canaryOf } from "../../history/canaries.ts";
import type { Recorder } from "../../history/recorder.ts";
import { claimOf, completeOf, handleOf, type Key, LONG, openCallers } from "../calls.ts";
import type { Stand } from "../stand/stand.ts";

const WAIT_MS_MAX = 15_000;

/**
 * What chance may have left out, once nothing is done to the servers any more: on each of them a record is claimed, on the
 * next one its end is waited for, and there it is replayed; then it is read. Rejects if any of it does not come about.
 */
export async function meetAllServers(stand: Stand, recorder: Recorder, scope: string): Promise<void> {
  using callers = openCallers(recorder, `${scope}-quiet`);
  const rpcs = stand.servers.map((server) => callers.open(server));
  await Promise.all(
    rpcs.map(async (rpc, i) => {
      const next = rpcs[(i + 1) % rpcs.length] ?? rpc;
      await meet(rpc, next, { scope, key: `quiet-${i}` });
    }),
  );
}

async function meet(holder: Rpc, other: Rpc, key: Key): Promise<void> {
  const handle = handleOf(await holder.claim(claimOf(key), LONG));
  const { promise: seen, resolve: isSeen } = Promise.withResolvers<void>();
  const told = endOf(other, key, isSeen);
  await Promise.race([seen, told]);
  await holder.complete(completeOf(handle, `${canaryOf("default")} ${key.key}`), LONG);
  const end = await Promise.race([told, pause(WAIT_MS_MAX, "nothing", { ref: false })]);
  if (end !== "ended") throw new Error(`whoever waited for ${key.key} was told ${end} of its end`);
  await other.claim(claimOf(key), LONG);
  await holder.getRecord({ key, includeResult: true }, LONG);
}

/** The last that is told to one who waits. */
async function endOf(rpc: Rpc, key: Key, onSnapshot: () => void): Promise<string> {
  let last = "nothing";
  for await (const { event } of rpc.waitFor({ targets: [{ key }], includeResult: true }, LONG)) {
    if (event.case === "snapshot") onSnapshot();
    if (event.case !== "finish" && event.case !== undefined) last = event.case;
  }
  return last;
}
