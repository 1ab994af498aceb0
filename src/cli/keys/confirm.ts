import { EXIT } from "../exit-codes.ts";
import { printable } from "../table.ts";
import * as flag from "./flags.ts";
import type { Order } from "./order.ts";

/**
 * Null: go on. Otherwise the exit code: somebody has said no, or nobody can be asked.
 *
 * @param what what is about to be done, as a sentence
 */
export async function confirm(what: string, { flags, io, signal }: Order): Promise<number | null> {
  if (flags.has(flag.YES.name)) return null;
  if (io.ask === undefined) {
    io.error(`holdfast: --yes is needed where nobody can be asked; nothing was changed. ${printable(what)}\n`);
    return EXIT.misunderstood;
  }
  const answer = await io.ask(`${printable(what)}\nType yes to go on: `, signal);
  if (answer.trim().toLowerCase() === "yes") return null;
  io.error("holdfast: nothing was changed\n");
  return EXIT.failed;
}
