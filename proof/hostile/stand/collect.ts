import type { ServerProcess } from "../../../test/process/server.ts";
import { until } from "../../../test/process/waiting-calls.ts";

/** For a server that is to be asked for a full collection. The inspector opens when asked to, on a port of its own. */
export const INSPECTABLE = { NODE_OPTIONS: "--inspect-port=127.0.0.1:0" } as const;

/** What Node says of it on standard error; no fault of the server. */
export const INSPECTOR_LINE = /^(Debugger (listening on|attached|ending on).*|For help, see: .*|Waiting for .*)\n?/gm;

/** Memory that is in use, after a collection of everything that is not. */
export interface Collected {
  readonly heapMiB: number;
  readonly rssMiB: number;
}

export interface Collector extends Disposable {
  collect(): Promise<Collected>;
}

/**
 * V8 collects the old generation when it has grown by as much again, which an idle server never does: what it has of
 * memory then says how much it had to do, and not how much it keeps. So it is told to, through Node's inspector.
 */
export async function openCollector(server: ServerProcess): Promise<Collector> {
  server.signal("SIGUSR1");
  const address = () => /Debugger listening on (ws:\S+)/.exec(server.stderr())?.[1];
  await until(() => address() !== undefined);
  const socket = new WebSocket(address() ?? "");
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("the server's inspector cannot be reached"));
  });
  let id = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  const tell = (method: string, params: object = {}) =>
    new Promise<unknown>((resolve) => {
      waiting.set(++id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(String(data)) as { readonly id: number; readonly result: unknown };
    waiting.get(answer.id)?.(answer.result);
    waiting.delete(answer.id);
  };
  socket.onclose = () => {
    for (const resolve of waiting.values()) resolve(null);
  };
  return {
    async collect() {
      // Twice: what finalizers let go of in the first is free in the second.
      for (let times = 0; times < 2; times++) await tell("HeapProfiler.collectGarbage");
      const expression = "JSON.stringify(process.memoryUsage())";
      const told = (await tell("Runtime.evaluate", { expression })) as { readonly result: { readonly value: string } };
      if (told === null) return { heapMiB: Number.NaN, rssMiB: Number.NaN };
      const { heapUsed, external, rss } = JSON.parse(told.result.value) as NodeJS.MemoryUsage;
      return { heapMiB: (heapUsed + external) / 2 ** 20, rssMiB: rss / 2 ** 20 };
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
