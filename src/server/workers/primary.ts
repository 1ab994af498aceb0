import cluster, { type Worker } from "node:cluster";
import type { Clock } from "../../clock.ts";
import type { Metrics, MetricsPage } from "../../telemetry/metrics.ts";
import { WORKERS_PAGE_MS_MAX } from "../limits.ts";
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
  /** @param clean no call was cut off */
  stopped(clean: boolean): void;
  /** Has it ask for our figures from now on, and tell those of all. */
  page(own: Metrics): MetricsPage;
  /** Lets go of it, so that this process may end. */
  leave(): void;
}

/** Null: nobody has started this process as a worker. */
export async function findPrimary(clock: Clock): Promise<Primary | null> {
  const { worker } = cluster;
  return worker === undefined ? null : createPrimary(worker, clock);
}

/** What cluster gives to a worker. */
export type Channel = Pick<Worker, "exitedAfterDisconnect" | "isConnected" | "send" | "on">;

export async function createPrimary(worker: Channel, clock: Clock): Promise<Primary> {
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

  /** Until there are figures it tells of none: whoever has asked asks nothing more before he has an answer. */
  const tell = async () => send({ kind: "told", snapshot: (await metrics?.snapshot()) ?? [] });

  worker.on("disconnect", () => gone.resolve());
  worker.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "orders":
        orders.resolve(message.orders);
        break;
      case "tell":
        void tell();
        break;
      case "show-life":
        send({ kind: "alive" });
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
    stopped: (clean) => send({ kind: "stopped", clean }),
    page(own) {
      metrics = own;
      return {
        contentType: own.contentType,
        async page() {
          const id = ++lastScrape;
          const asked = new Promise<string | null>((resolve) => scrapes.set(id, resolve));
          send({ kind: "scraped", id });
          const over = new AbortController();
          const late = clock.sleep(WORKERS_PAGE_MS_MAX, over.signal).then(refuseToWait);
          try {
            const page = await Promise.race([asked, gone.promise.then(() => own.page()), late]);
            if (page === null) throw new Error("the figures of the workers could not be added up");
            return page;
          } finally {
            over.abort();
            scrapes.delete(id);
          }
        },
      };
    },
    leave() {
      if (worker.isConnected()) process.disconnect();
    },
  };
}

function refuseToWait(): never {
  throw new Error("the process that adds up the figures of the workers does not answer");
}

function refuseToGuess(): never {
  throw new Error("the primary has ended before it said what to do");
}
