import type { Stand } from "../stand/stand.ts";
import type { Shim } from "./shim.ts";

/** Of the primary of a stand that was asked for one. */
export function shimOf({ primary }: Stand): Shim {
  if (primary.shim === null) throw new Error("bug: this row's stand has no shim");
  return primary.shim;
}
