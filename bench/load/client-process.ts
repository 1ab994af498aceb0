import { startChild } from "./child.ts";
import type { Answers, Order } from "./orders.ts";

/** The lean client in a process of its own. */
export interface BenchClient extends AsyncDisposable {
  readonly pid: number;
  /** One order at a time. */
  do<Given extends Order>(order: Given): Promise<Answers[Given["kind"]]>;
}

export async function startBenchClient(): Promise<BenchClient> {
  const child = await startChild<"ready">(new URL("./client.ts", import.meta.url));
  return {
    pid: child.pid,
    do: (order) => child.ask(order),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
