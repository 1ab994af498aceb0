import cluster from "node:cluster";
import type { Metrics, MetricsPage } from "../../telemetry/metrics.ts";
import type { FromWorker, Orders, ToWorker } from "./messages.ts";
import type { Addresses } from "./supervisor.ts";

/** The process that started this one, as this one sees it. */
export interface Primary {
  readonly orders: Orders;
  /** Resolves when it has ended, and nobody hands us connections any more. */
  readonly gone: Promise<void>;
  serving(addresses: Addresses): void;
  /** @param reason for people */
  refused(reason: string): void;
  /** Has it ask for our figures from now on, and tell those of all. */
  page(own: Metrics): MetricsPage;
  /** Lets go of it, so that this process may end. */
  leave(): void;
}

/** Null: nobody has started this process as a worker. */
export async function findPrimary(): Promise<Primary | null> {
  const { worker } = cluster;
  if (worker === undefined) return null;
  // Otherwise cluster would end this process with the other, in the middle of its calls.
  worker.exitedAfterDisconnect = true;
  const gone = Promise.withResolvers<void>();
  const orders = Promise.withResolvers<Orders>();
  const scrapes = new Map<number, (page: string | null) => void>();
  let metrics: Metrics | null = null;
  let lastScrape = 0;
  const send = (message: FromWorker) => {
    if (worker.isConnected()) worker.send(message);
  };

  worker.on("disconnect", () => gone.resolve());
  worker.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "orders":
        orders.resolve(message.orders);
        break;
      case "tell":
        void metrics?.snapshot().then((snapshot) => send({ kind: "told", snapshot }));
        break;
      case "page":
        scrapes.get(message.id)?.(message.page);
        scrapes.delete(message.id);
        break;
    }
  });
  send({ kind: "ready-for-orders" });

  return {
    orders: await Promise.race([orders.promise, gone.promise.then(refuseToGuess)]),
    gone: gone.promise,
    serving: (addresses) => send({ kind: "serving", addresses }),
    refused: (reason) => send({ kind: "refused", reason }),
    page(own) {
      metrics = own;
      return {
        contentType: own.contentType,
        async page() {
          const id = ++lastScrape;
          const asked = new Promise<string | null>((resolve) => scrapes.set(id, resolve));
          send({ kind: "scraped", id });
          const page = await Promise.race([asked, gone.promise.then(() => own.page())]);
          if (page === null) throw new Error("the figures of the workers could not be added up");
          return page;
        },
      };
    },
    leave() {
      if (worker.isConnected()) process.disconnect();
    },
  };
}

function refuseToGuess(): never {
  throw new Error("the primary has ended before it said what to do");
}
