import { withinMs } from "./bounds.ts";
import { type Json, Refused } from "./driver.ts";

/** A call that a driver has open. */
export interface Call {
  readonly id: number;
  /** Rejects with what was refused, or when the driver ends. */
  readonly answer: Promise<Json>;
  /** What it has told so far. */
  readonly events: readonly Json[];
  /** `answer`, within a bounded time. */
  answered(): Promise<Json>;
  /** The error of its answer; rejects when there is none. */
  refused(): Promise<Json>;
  /** The next event with these values, behind the one that was asked for before; rejects when the call ends without it. */
  told(expected: Json): Promise<Json>;
  /** The beginning of its work, which is the caller's to do. */
  work(): Promise<Work>;
  /** The same of a judge. */
  judge(): Promise<Work>;
}

/** A piece of work, or a judgement, that a driver has begun. */
export interface Work {
  readonly event: Json;
  readonly attempt: number;
  readonly fence: bigint;
  step(what: string, fields?: object): Promise<Json>;
  /** A JSON text. */
  returns(value: string): Promise<void>;
  throws(kind: string | null, message: string, fields?: object): Promise<void>;
}

interface CallDeps {
  readonly id: number;
  readonly op: string;
  readonly driver: string;
  readonly story: () => string;
  readonly ask: (op: string, fields: object) => Promise<Json>;
}

export function createCall({ id, op, driver, story, ask }: CallDeps) {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Json>();
  answer.catch(() => undefined); // Whoever asks for it hears of it.
  const events: Json[] = [];
  let asked = 0;
  let wake = Promise.withResolvers<void>();

  const next = async (expected: Json): Promise<Json> => {
    for (;;) {
      const at = events.findIndex((event, i) => i >= asked && has(event, expected));
      const found = events[at];
      if (found !== undefined) {
        asked = at + 1;
        return found;
      }
      const over = await Promise.race([wake.promise, answer]);
      if (over !== undefined) throw new Error(`${driver} answered ${op} with ${JSON.stringify(over)}`);
    }
  };
  const told = (expected: Json) =>
    withinMs(next(expected), () => `${driver} has not told ${JSON.stringify(expected)} of ${op}; ${story()}`);
  const answered = () => withinMs(answer, () => `${driver} has not answered ${op}; ${story()}`);
  const begun = async (kind: string) =>
    createWork(await told({ event: kind }), (step) => ask("step", { call: id, ...step }));

  const call: Call & { take(line: Json): void; fail(error: Error): void } = {
    ...{ id, answer, events, answered, told },
    async refused() {
      const error = await answered().then(
        (ok) => new Error(`${driver} answered ${op} with ${JSON.stringify(ok)}, and not with an error`),
        (refusal: unknown) => refusal,
      );
      if (error instanceof Refused) return error.answer;
      throw error;
    },
    work: () => begun("work"),
    judge: () => begun("judge"),
    take(line) {
      if ("event" in line) {
        events.push(line);
        const { resolve: look } = wake;
        wake = Promise.withResolvers();
        look();
      } else if ("ok" in line) resolve(line["ok"] as Json);
      else reject(new Refused(driver, op, line["error"] as Json));
    },
    fail: reject,
  };
  return call;
}

function createWork(event: Json, ask: (step: object) => Promise<Json>): Work {
  const step = (what: string, fields: object = {}) => ask({ do: what, ...fields });
  return {
    event,
    attempt: Number(event["attempt"]),
    fence: BigInt(String(event["fence"] ?? 0)),
    step,
    async returns(value) {
      await step("return", { value });
    },
    async throws(kind, message, fields) {
      await step("throw", { kind, message, ...fields });
    },
  };
}

/** Whether the event has all of the values. */
function has(event: Json, expected: Json): boolean {
  return Object.entries(expected).every(([name, value]) => event[name] === value);
}
