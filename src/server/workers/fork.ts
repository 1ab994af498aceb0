import type { ChildProcess } from "node:child_process";
import cluster from "node:cluster";
import type { Snapshot } from "../../telemetry/metrics.ts";
import { type FromWorker, type Orders, type ToWorker, WORKER_FLAG } from "./messages.ts";
import { createQuestion } from "./question.ts";
import type { Addresses, WorkerEnd, WorkerProcess } from "./supervisor.ts";
import type { Member } from "./whole-page.ts";

export interface ForkDeps {
  readonly orders: Orders;
  /** Puts together what whoever scraped this worker is told. */
  readonly page: () => Promise<string | null>;
}

/**
 * Starts this program again as a worker. Node's cluster listens here and hands connections round: one after the other to
 * the next worker, so that few connections, of which each has many calls, are spread evenly, and a second server on the
 * same port is refused. Sockets with SO_REUSEPORT have neither, see docs/decisions/0015-workers.md.
 */
export function forkWorker({ orders, page }: ForkDeps): WorkerProcess & Member {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // By structured clone: figures may be infinite, or none at all, and JSON has no words for these.
  cluster.setupPrimary({ args: ["serve", WORKER_FLAG, String(orders.number)], serialization: "advanced" });
  const worker = cluster.fork();
  const child = worker.process;
  closeWhatWasOnItsWay(child);
  const leave = endWithUs(child);
  const send = (message: ToWorker) => {
    if (worker.isConnected()) worker.send(message);
  };

  const serving = Promise.withResolvers<Addresses>();
  const ended = Promise.withResolvers<WorkerEnd>();
  const figures = createQuestion<Snapshot>(() => send({ kind: "tell" }));
  const sign = createQuestion<true>(() => send({ kind: "show-life" }));
  let listens = false;
  let reason: string | null = null;
  let clean: boolean | null = null;

  worker.on("message", (message: FromWorker) => {
    switch (message.kind) {
      case "ready-for-orders":
        listens = true;
        send({ kind: "orders", orders });
        break;
      case "serving":
        serving.resolve(message.addresses);
        break;
      case "refused":
        reason = message.reason;
        break;
      case "stopped":
        clean = message.clean;
        break;
      case "told":
        figures.answer(message.snapshot);
        break;
      case "alive":
        sign.answer(true);
        break;
      case "scraped":
        void page().then((text) => send({ kind: "page", id: message.id, page: text }));
        break;
    }
  });
  child.once("exit", () => {
    leave();
    figures.end();
    sign.end();
  });
  // What it has said before it ended may arrive later than the news of its end, and is read by "close"; "disconnect" does
  // not come when a connection was on its way to it.
  child.once("close", (code, signal) => ended.resolve({ code, signal, reason, clean }));
  // Other errors are of messages to one that has just died.
  worker.on("error", ({ message }: Error) => {
    if (child.pid === undefined) ended.resolve({ code: null, signal: null, reason: message, clean: null });
  });

  return {
    pid: child.pid ?? 0,
    serving: serving.promise,
    ended: ended.promise,
    stop: () => void child.kill("SIGTERM"),
    kill: () => void child.kill("SIGKILL"),
    showLife: () => sign.ask(),
    snapshot: async (late) => (listens ? figures.ask(late) : null),
  };
}

type Killable = Pick<ChildProcess, "kill">;

const living = new Set<Killable>();

const killAll = () => {
  for (const one of living) one.kill("SIGKILL");
};
const spareAll = () => living.clear();

/**
 * Whoever ends this process, by a second signal say, ends them all. But an error that nothing has caught is this process's
 * own: its workers see that it has gone, and drain. One listener serves for all: of eleven Node says that they leak.
 *
 * @returns how to leave
 */
export function endWithUs(child: Killable): () => void {
  if (living.size === 0) {
    process.off("exit", killAll).once("exit", killAll);
    process.off("uncaughtExceptionMonitor", spareAll).once("uncaughtExceptionMonitor", spareAll);
  }
  living.add(child);
  return () => void living.delete(child);
}

type Child = Pick<ChildProcess, "send" | "once">;

/**
 * A worker that dies while a connection is on its way to it takes that along, but cluster keeps it open here for good: its
 * caller would wait for an answer that nobody owes him. Those who were connected to the dead one come back at that very
 * moment; of twelve such deaths with sixty callers, six left one hanging, and none since this closes the last connection
 * that was sent. One that has arrived was closed here already, and closing it again does nothing.
 */
export function closeWhatWasOnItsWay(child: Child): void {
  const last = new Map<unknown, { close(): void }>();
  const send = child.send.bind(child) as (...given: readonly unknown[]) => boolean;
  child.send = (...given: readonly unknown[]) => {
    const [message, handle] = given;
    if (isHandle(handle)) last.set((message as { readonly key?: unknown } | null)?.key, handle);
    return send(...given);
  };
  child.once("exit", () => {
    for (const handle of last.values()) handle.close();
  });
}

function isHandle(sent: unknown): sent is { close(): void } {
  return typeof sent === "object" && sent !== null && "close" in sent && typeof sent.close === "function";
}
