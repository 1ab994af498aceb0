import type { CommandIo } from "./commands.ts";
import { type Ending, exitOfEnding } from "./exit-codes.ts";

/**
 * Gives the work a signal that is aborted when the command is to end, and resolves to the exit code: the work's own, or
 * that of the ending if the work threw because of it. A second signal finds nobody who listens, and ends the process.
 */
export async function interruptible(
  io: Pick<CommandIo, "onEnding">,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const ending = new AbortController();
  const unlisten = io.onEnding?.((why) => {
    unlisten?.();
    ending.abort(why);
  });
  try {
    return await work(ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    return exitOf(ending.signal);
  } finally {
    unlisten?.();
  }
}

/** The code of the ending that has aborted a signal of `interruptible`. */
export function exitOf({ reason }: AbortSignal): number {
  return exitOfEnding(reason as Ending);
}
