import { EXIT } from "../exit-codes.ts";
import { printable } from "../table.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";

/**
 * Null: somebody can be asked, or need not be. Otherwise the exit code; for before anything is sent.
 *
 * @param what what is about to be done, as a sentence
 */
export function refuseUnasked(what: string, { flags, io }: Order): number | null {
  if (flags.has(flag.YES.name) || io.ask !== undefined) return null;
  io.error(`holdfast: --yes is needed where nobody can be asked; nothing was changed. ${printable(what)}\n`);
  return EXIT.misunderstood;
}

/**
 * Null: go on. Otherwise the exit code: somebody has said no, or nobody can be asked.
 *
 * @param what what is about to be done, as a sentence
 */
export async function confirm(what: string, order: Order): Promise<number | null> {
  const { flags, io, signal } = order;
  if (flags.has(flag.YES.name)) return null;
  if (io.ask === undefined) return refuseUnasked(what, order);
  const answer = await io.ask(`${printable(what)}\nType yes to go on: `, signal);
  if (answer.trim().toLowerCase() === "yes") return null;
  io.error("holdfast: nothing was changed\n");
  return EXIT.failed;
}
