import type { Placed } from "../history.ts";
import { type Context, returned } from "./validator.ts";

/**
 * Whether a result was surely kept when a later call of the same key was answered. After a step of the clock it may have
 * been over meanwhile, and then a sweeper may have erased it, or somebody may have claimed the key anew; where the driver
 * has seen to the sweepers, only if somebody did claim it then.
 */
export function keptBy(
  calls: readonly Placed[],
  { times }: Pick<Context, "times">,
): (result: Placed, call: Placed) => boolean {
  const claims = calls.filter(({ op }) => op === "claim");
  return (result, call) => {
    const untilUs = result.output.result_expires_us ?? 0;
    if (times.latestUs(call) < untilUs) return true;
    if (times.sweptUs(call) >= untilUs) return false;
    const isLater = (claim: Placed) =>
      claim !== result && claim.call_ns <= returned(call) && returned(claim) >= result.call_ns;
    return !claims.some((claim) => isLater(claim) && times.of(claim).hiUs >= untilUs);
  };
}
