import type { Snapshot } from "../../telemetry/metrics.ts";
import type { Config } from "../config.ts";
import type { Addresses } from "./supervisor.ts";

/** What the primary and its workers tell each other, over the channel that only the two of them have. */

/** How the program is called for a worker; its number follows, for those who look at the list of processes. */
export const WORKER_FLAG = "--worker";

/** All that a worker needs to know. Settings travel here, and not in arguments, which every user of the machine may read. */
export interface Orders {
  /** Its own number, from 1. */
  readonly number: number;
  readonly processes: number;
  /** As the primary has read it, so that a worker that is started later has the settings of the others. */
  readonly config: Config;
}

export type FromWorker =
  /** It listens to us: what is sent before that is lost. */
  | { readonly kind: "ready-for-orders" }
  | { readonly kind: "serving"; readonly addresses: Addresses }
  /** It will not serve, and says why. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It has stopped as it was told to; `clean`: without cutting off a call. */
  | { readonly kind: "stopped"; readonly clean: boolean }
  | { readonly kind: "told"; readonly snapshot: Snapshot }
  | { readonly kind: "alive" }
  | { readonly kind: "scraped"; readonly id: number };

export type ToWorker =
  | { readonly kind: "orders"; readonly orders: Orders }
  /** Asks for what it counts now. */
  | { readonly kind: "tell" }
  /** Asks for a sign of life. */
  | { readonly kind: "show-life" }
  /** The answer to a scrape; null: there is none to be had. */
  | { readonly kind: "page"; readonly id: number; readonly page: string | null };
