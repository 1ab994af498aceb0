import { finishOf } from "../../../test/support/records.ts";
import { NEVER } from "../stand/records.ts";
import { openServer } from "../stand/server.ts";
import type { FromCompleter, Orders } from "./completer-process.ts";

/**
 * A server in a process of its own, which ends records and stops between the commit and what it would tell of it, so that
 * it can be killed there. It ends when the one who started it does.
 */
process.on("disconnect", () => process.exit(1));
process.once("message", (orders: Orders) => void complete(orders));
tell({ kind: "started" });

async function complete({ url, records }: Orders): Promise<void> {
  const { store, stops } = await openServer(url, { listens: false });
  const reached = records.map(({ key }) => stops.stop("after", "finish", key).reached);
  for (const { key, token, fence } of records) {
    const proof = { token: new Uint8Array(Buffer.from(token, "base64")), fence: BigInt(fence) };
    void store.finish(finishOf({ key, proof }), NEVER);
  }
  await Promise.all(reached);
  tell({ kind: "committed" });
}

function tell(message: FromCompleter): void {
  process.send?.(message);
}
