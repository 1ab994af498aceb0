import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import { ROUTE_TAKEN, ROUTE_WANTED } from "./route.ts";

/** Several servers, one after the other. */
export interface Round<Line> {
  /**
   * Where the next call goes: where it wants to, else to the next in turn, and past those that are down while another
   * one is not. Notes in the call's context which it was.
   *
   * @throws ConnectError CANCELLED once closed
   */
  pick(context: ContextValues | undefined): Line;
  close(): void;
}

export function createRound<Line extends { readonly address: string }>(
  lines: readonly Line[],
  isDown: (line: Line) => boolean,
): Round<Line> {
  let turn = 0;
  let closed = false;
  return {
    pick(context) {
      if (closed) throw new ConnectError("the client is closed", Code.Canceled);
      const wanted = context?.get(ROUTE_WANTED);
      const inTurn = lines.map((_, i) => lines[(turn + i) % lines.length]);
      const inOrder = [...lines.filter(({ address }) => address === wanted), ...inTurn];
      if (inOrder.length === lines.length) turn = (turn + 1) % lines.length;
      const line = inOrder.find((each) => each !== undefined && !isDown(each)) ?? inTurn[0];
      if (line === undefined) throw new Error("bug: a transport without addresses");
      const taken = context?.get(ROUTE_TAKEN);
      if (taken !== undefined) taken.address = line.address;
      return line;
    },
    close() {
      closed = true;
    },
  };
}
