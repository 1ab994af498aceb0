import { setTimeout as pause } from "node:timers/promises";
import { type Attempt, createClient } from "../../../src/client/client.ts";
import { createGrpcTransport } from "../../../src/client/grpc-transport.ts";
import type { Recorder } from "../../history/recorder.ts";
import type { Stand } from "../stand/stand.ts";
import { createTally, type Tally } from "./tally.ts";
import { timed } from "./timed.ts";

/** Users of the client library, who know every server and leave all repeating to it: what a user of Holdfast sees. */
export interface LibraryUsers {
  /** Pieces of work that were done, each once. */
  readonly done: number;
  /** Attempts beyond the first of a piece of work: nobody else works on it, so each took its user for somebody else. */
  readonly begunAgain: number;
  /** Calls that nobody knew the outcome of, all of which the library has made again. */
  readonly unanswered: number;
  /** Why work failed, as its user was told. */
  readonly failures: readonly string[];
  /** Begins nothing new; resolves once everything has ended. */
  stop(): Promise<void>;
}

export interface LibraryOptions {
  readonly stand: Stand;
  readonly recorder: Recorder;
  readonly scope: string;
  readonly users?: number;
}

const USERS = 6;
const WORK_MS_MAX = 40;
/** Whoever is taken for somebody else waits until it is over. */
const LEASE_MS = 5_000;

export function startLibraryUsers({ stand, recorder, scope, users = USERS }: LibraryOptions): LibraryUsers {
  const addresses = stand.servers.map(({ address }) => address) as [string, ...string[]];
  const tally: Tally = createTally();
  const failures: string[] = [];
  let [done, begunAgain] = [0, 0];
  let isStopped = false;

  const all = Promise.all(
    Array.from({ length: users }, async (_, i) => {
      const grpc = createGrpcTransport({ addresses, sessions: i % 2 === 1 });
      const transport = timed(recorder.wrap(grpc, { client: `${scope}-library-${i}` }), tally, "any");
      await using client = createClient({ transport, onWarning: () => undefined });
      for (let n = 0; !isStopped; n++) {
        const key = `library-${i}-${n}`;
        const work = async ({ number }: Attempt) => {
          if (number > 1) begunAgain++;
          await pause(WORK_MS_MAX * Math.random());
          return key;
        };
        try {
          const { value } = await client.once({ scope, key, input: null, leaseMs: LEASE_MS }, work);
          if (value !== key) failures.push(`the result of ${key} is ${value}`);
          done++;
        } catch (error) {
          failures.push(`${key}: ${error}`);
        }
      }
      grpc.close();
    }),
  );

  return {
    get done() {
      return done;
    },
    get begunAgain() {
      return begunAgain;
    },
    get unanswered() {
      return tally.failed;
    },
    failures,
    async stop() {
      isStopped = true;
      await all;
    },
  };
}
