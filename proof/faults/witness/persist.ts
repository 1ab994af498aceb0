import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";

/** After which the same call is worth another try; whether it took effect may be unknown. */
const PASSING: ReadonlySet<Code> = new Set([
  ...[Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Canceled, Code.Aborted],
]);

const RETRY_MS = 50;
const GIVE_UP_MS = 60_000;

export function isPassing(error: unknown): boolean {
  return PASSING.has(ConnectError.from(error).code);
}

/**
 * Makes a call until it is answered, as a client does. Rejects with what no repeat would mend, and with the last error
 * when a minute was not enough.
 */
export async function persist<Answer>(
  call: () => Promise<Answer>,
  onError: (error: unknown) => void = () => undefined,
): Promise<Answer> {
  const giveUpMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      onError(error);
      if (!isPassing(error) || performance.now() > giveUpMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}
