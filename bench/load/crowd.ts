import { WaitForRequestSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { openCaller, pathOf, takingTurns } from "./caller.ts";
import { connectLean } from "./http2.ts";
import { encode } from "./messages.ts";
import type { Aim, Waiting } from "./orders.ts";
import { openLeanSession } from "./session.ts";
import { hold, resultOf, waitOf } from "./waiting.ts";

/** Many who wait for one key that is held. */
export interface Crowd {
  /** So many more come. A server that is sent ten thousand calls at one instant sheds some of them. */
  join(waiters: number): { readonly lost?: string };
  /** Completes the key. How long after the completion's answer each has the result, in ms; nothing for streams. */
  release(): Promise<readonly number[]>;
}

/** What one connection carries. */
const CALLS_MAX = 900;

interface Order extends Aim {
  readonly holder: string;
  readonly how: Waiting;
  /** How many there may be. */
  readonly waiters: number;
}

export async function openCrowd(order: Order): Promise<Crowd> {
  // A bare server has nothing to hold, and takes any claim.
  const holder = order.how === "bare" ? null : await openCaller("unary", [order.holder], 1);
  const { key, complete } = holder === null ? { key: "", complete: async () => undefined } : await hold(holder);
  const { wait, close } = await openPlaces(order, key);
  const answers: Promise<number>[] = [];
  let lost: string | undefined;
  return {
    join(waiters) {
      for (let i = 0; i < waiters; i++) {
        const answer = wait();
        if (answer === null) continue;
        const answered = resultOf(answer);
        answers.push(answered);
        answered.catch((error: Error) => {
          lost = error.message;
        });
      }
      return lost === undefined ? {} : { lost };
    },
    async release() {
      await complete();
      const endedMs = performance.now();
      const answered = await Promise.all(answers);
      await Promise.all([close(), holder?.[Symbol.asyncDispose]()]);
      return answered.map((answeredMs) => answeredMs - endedMs);
    },
  };
}

/** Where those who come wait. */
interface Places {
  /** Null where nobody looks at the answer. */
  wait(): Promise<Buffer> | null;
  close(): Promise<void>;
}

function openPlaces({ transport, addresses, how, waiters }: Order, key: string): Promise<Places> {
  return transport === "session" ? inSessions(addresses, waiters, key) : inCalls(addresses, how, waiters, key);
}

async function inCalls(addresses: readonly string[], how: Waiting, waiters: number, key: string): Promise<Places> {
  const connections = Math.ceil(waiters / CALLS_MAX);
  const opening = Array.from({ length: connections }, (_, i) => connectLean(addresses[i % addresses.length] ?? ""));
  const { next, close } = takingTurns(await Promise.all(opening));
  const claim = () => next().unary(pathOf("Claim"), waitOf(key));
  if (how !== "streams") return { wait: claim, close };
  const target = { key: { scope: "charge", key } };
  const request = encode(WaitForRequestSchema, { targets: [target], timeout: { seconds: 600n } });
  const nothing = () => undefined;
  const stream = () => {
    const call = next().open(pathOf("WaitFor"), { message: nothing, ended: nothing, broken: nothing });
    call.send(request);
    call.end();
    return null;
  };
  return { wait: stream, close };
}

async function inSessions(addresses: readonly string[], waiters: number, key: string): Promise<Places> {
  const first = await openLeanSession(addresses[0] ?? "");
  const sessions = [first];
  while (sessions.length * first.waitsMax < waiters) {
    sessions.push(await openLeanSession(addresses[sessions.length % addresses.length] ?? ""));
  }
  const { next, close } = takingTurns(sessions);
  return { wait: () => next().call("claim", waitOf(key)), close };
}
