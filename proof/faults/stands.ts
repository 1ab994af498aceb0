import { isDeepStrictEqual } from "node:util";
import { createStand, USUAL_STAND } from "./stand/create-stand.ts";
import type { Stand, StandOptions } from "./stand/stand.ts";

/** One stand at a time. A row that leaves it whole leaves it to the next row that wants one like it. */
export interface Stands extends AsyncDisposable {
  like(change: Partial<StandOptions>): Promise<Stand>;
  /** The next row gets a new one. */
  drop(): Promise<void>;
}

export function createStands(): Stands {
  let current: Stand | null = null;
  const drop = async () => {
    const dropped = current;
    current = null;
    await dropped?.[Symbol.asyncDispose]();
  };
  return {
    async like(change) {
      const isLike = current !== null && isDeepStrictEqual(current.options, { ...USUAL_STAND, ...change });
      if (current !== null && isLike && isWhole(current)) return current;
      await drop();
      current = await createStand(change);
      return current;
    },
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

function isWhole({ options, servers, primary, standby }: Stand): boolean {
  const isFollowed = options.standby === "none" || standby?.isRunning === true;
  return servers.every(({ isRunning }) => isRunning) && primary.isRunning && isFollowed;
}
