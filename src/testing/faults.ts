import type { Holdfast } from "../client/client.ts";
import type { Instant } from "../domain/instant.ts";
import { isForgotten } from "../domain/record.ts";
import { deriveState } from "../operations/derive.ts";
import type { Shelf } from "../store/memory/shelf.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Mishaps } from "./mishaps.ts";
import type { Network } from "./network.ts";

/** A call of the service, as the client makes it. */
export type Method = "claim" | "heartbeat" | "complete" | "fail" | "waitFor" | "resolveTenant" | "getRecord";

/**
 * What goes wrong. Those for the next call wait for one that has not been made yet, of any client, and each befalls one
 * call: said twice, it befalls two. Without a method it is the next call of any, heartbeats too.
 *
 * The others happen at once, and resolve when what follows from them by itself has happened.
 */
export interface Faults {
  /** The server never hears of the next call, and its caller is told that the connection was lost. */
  loseNextRequest(method?: Method): void;
  /** The server does what the next call asks for, and its caller is told that the connection was lost. */
  loseNextAnswer(method?: Method): void;
  /** The next call takes so long to reach the server. */
  delayNextRequest(ms: number, method?: Method): void;
  /** The server does what the next call asks for, and its answer takes so long. */
  delayNextAnswer(ms: number, method?: Method): void;
  /** True: calls under way lose their connection, and none reaches the server until this is said to be false. */
  unavailable(isUnavailable: boolean): Promise<void>;
  /** The server goes without a word and is there again at once: with its records, without those who wait. */
  restart(): Promise<void>;
  /** Those who wait, in claims and in `waitFor`, lose their connection. */
  dropWaits(): Promise<void>;
  /**
   * The holder's lease is over, as if its heartbeats had not come through for so long. It does not know yet, and time has
   * not moved. Whoever waits takes over; if nobody does, the holder's next heartbeat has the lease back.
   *
   * @param tenant default: the first one of the server
   * @throws Error if nobody holds it
   */
  expireLease(scope: string, key: string, tenant?: string): Promise<void>;
  /**
   * The process of this client is gone, with what it was at: nothing of it reaches the server any more, none of its
   * timers rings, and what it has promised never settles.
   *
   * @param client one that this server has made
   */
  kill(client: Holdfast): Promise<void>;
}

export interface FaultsDeps {
  readonly network: Network;
  readonly mishaps: Mishaps;
  readonly shelf: Shelf;
  readonly now: () => Instant;
  readonly tenant: string;
  readonly server: () => Incarnation;
  readonly restart: () => void;
  /** False: it is none of this server's. */
  readonly kill: (client: Holdfast) => boolean;
  readonly settle: () => Promise<void>;
}

export function createFaults(deps: FaultsDeps): Faults {
  const { network, mishaps, shelf, now, server, settle } = deps;

  const check = (method: string | undefined) => {
    const methods = server().endpoints.map((endpoint) => endpoint.method.localName);
    if (method === undefined || methods.includes(method)) return method;
    throw new TypeError(`method must be one of ${methods.join(", ")}, and not ${JSON.stringify(method)}`);
  };

  return {
    loseNextRequest: (method) => mishaps.plan("lose-request", check(method)),
    loseNextAnswer: (method) => mishaps.plan("lose-answer", check(method)),
    delayNextRequest: (ms, method) => mishaps.plan("delay-request", check(method), checkMs("a delay", ms)),
    delayNextAnswer: (ms, method) => mishaps.plan("delay-answer", check(method), checkMs("a delay", ms)),

    async unavailable(isUnavailable) {
      network.isUp = !isUnavailable;
      if (isUnavailable) network.cut();
      await settle();
    },

    async restart() {
      deps.restart();
      network.cut();
      await settle();
    },

    async dropWaits() {
      network.cut((method) => method === "claim" || method === "waitFor");
      await settle();
    },

    async expireLease(scope, key, tenant = deps.tenant) {
      const named = { tenant, scope, key };
      const record = shelf.read(named);
      const at = now();
      const state = record === null || isForgotten(record, at) ? "absent" : deriveState(record, at);
      if (record === null || state !== "in-progress" || record.due <= at) {
        const what = state === "in-progress" ? "its lease is over already" : `it is ${state}`;
        throw new Error(`nobody holds ${JSON.stringify(key)} of scope ${JSON.stringify(scope)}: ${what}`);
      }
      shelf.write({ ...record, due: at }, at);
      server().wake(named);
      await settle();
    },

    async kill(client) {
      if (!deps.kill(client)) throw new TypeError("kill() takes a client that this server's client() has made");
      await settle();
    },
  };
}

/** @throws TypeError */
export function checkMs(what: string, ms: number): number {
  if (ms >= 0 && ms < Number.POSITIVE_INFINITY) return ms;
  throw new TypeError(`${what} must be a number of milliseconds, 0 or more, and not ${String(ms)}`);
}
