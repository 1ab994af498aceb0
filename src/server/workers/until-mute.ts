import type { Clock } from "../../clock.ts";
import { WORKER_LOOK_MS, WORKER_LOOKS_MAX } from "../limits.ts";

/**
 * Resolves when a process has given no sign of life at `WORKER_LOOKS_MAX` looks in a row; rejects when the signal is
 * aborted. Looks are counted, not time: where this process stood still as well, the machine did, and one look is all that
 * is held against the other.
 *
 * @param askForSign resolves with the answer, if there is one; not called again before that
 */
export async function untilMute(
  askForSign: () => Promise<unknown>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let looks = 0;
  for (;;) {
    await clock.sleep(WORKER_LOOK_MS, signal);
    if (looks === WORKER_LOOKS_MAX) return;
    if (looks++ > 0) continue;
    void askForSign().then(() => {
      looks = 0;
    });
  }
}
