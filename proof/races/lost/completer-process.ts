import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";

/** What a completer is told to end. */
export interface Orders {
  readonly url: string;
  readonly records: readonly { readonly key: RecordKey; readonly token: string; readonly fence: string }[];
}

export type FromCompleter = { readonly kind: "started" } | { readonly kind: "committed" };

/** Lets a process end the records, and kills it when it has committed and has told nobody. */
export async function completeAndBeKilled(url: string, records: readonly StoredRecord[]): Promise<void> {
  const child = fork(fileURLToPath(new URL("completer.ts", import.meta.url)), { execArgv: [] });
  try {
    const said = messagesOf(child);
    await said("started");
    child.send({
      url,
      records: records.map(({ key, lease: { token, fence } }) => ({
        key,
        token: Buffer.from(token).toString("base64"),
        fence: `${fence}`,
      })),
    } satisfies Orders);
    await said("committed");
  } finally {
    const ended = once(child, "exit");
    if (child.kill("SIGKILL")) await ended;
  }
}

function messagesOf(child: ReturnType<typeof fork>): (kind: FromCompleter["kind"]) => Promise<void> {
  const exited = new Promise<never>((_, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`the completer has ended by itself: ${signal ?? code}`)));
  });
  exited.catch(() => undefined);
  return async (kind) => {
    const [message] = (await Promise.race([once(child, "message"), exited])) as [FromCompleter];
    if (message.kind !== kind) throw new Error(`bug: a completer said ${message.kind}, not ${kind}`);
  };
}
