import { randomUUID } from "node:crypto";
import type { Call, Work } from "../call.ts";
import { type Driver, type DriverCommand, type Json, startDriver } from "../driver.ts";
import { type Random, shuffled } from "./chance.ts";
import type { Ledger } from "./ledger.ts";

/** One of those who race: a client in a process, which is killed now and then, and started again. */
export interface Worker {
  readonly language: string;
  /** By key: what it was answered, as a JSON text. */
  readonly answers: ReadonlyMap<string, string>;
  /** What went wrong and was not its own death. */
  readonly errors: readonly string[];
  /** SIGKILLs of its processes. It starts again by itself, and asks again for what it was not answered. */
  readonly kills: number;
  /** Of its own spelling of the key's input. */
  fingerprint(key: string): Promise<string>;
  /** Resolves when it has been answered for every key. */
  run(keys: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface WorkerDeps {
  readonly number: number;
  readonly command: DriverCommand;
  readonly address: string;
  readonly leaseMs: number;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Asked at each attempt: where in it the process is to be killed, if at all. */
  readonly strike: () => Place | undefined;
}

/** Before the work is done; when it is done, and nobody has been told; while the server is being told. */
export type Place = "before" | "after" | "returning";

/** So many keys is it at, at a time. */
const CALLS_AT_ONCE = 8;
const SCOPE = "race";

export function createWorker(deps: WorkerDeps): Worker {
  const { number, command, address, leaseMs, ledger, random, strike } = deps;
  const answers = new Map<string, string>();
  const errors: string[] = [];
  let kills = 0;
  let driver: Driver | undefined;
  let client = "";
  /** Set when the process is doomed: nothing that goes wrong from there on is an error. */
  let isDoomed = false;

  const start = async () => {
    isDoomed = false;
    driver = startDriver({ ...command, name: `${command.name} ${number}` });
    client = randomUUID();
    await driver.ask("open", { client, addresses: [address], service: command.name });
    return driver;
  };

  const kill = () => {
    isDoomed = true;
    kills++;
    void driver?.kill();
  };

  /** The work: the ledger's, and around it the moments at which the process may die. */
  const work = async (key: string, { fence, returns, throws }: Work) => {
    ledger.begin(key, number, fence);
    const place = strike();
    if (place === "before") return kill();
    const result = ledger.execute(key, fence);
    if (place === "after") return kill();
    const told = result === undefined ? throws("retryable", "a newer attempt has the ledger") : returns(result);
    if (place === "returning") kill();
    await told;
  };

  const ask = async (at: Driver, key: string): Promise<void> => {
    const call: Call = at.begin("once", { client, scope: SCOPE, key, input: spelling(key, number), leaseMs });
    try {
      const begun = await Promise.race([call.work(), call.answer.then(() => undefined)]);
      if (begun !== undefined) await work(key, begun);
      answers.set(key, resultOf(await call.answered()));
    } catch (error) {
      if (isDoomed) return;
      // Another attempt's by now: it is asked for again, as any caller would.
      errors.push(`${command.name} ${number}, ${key}: ${error instanceof Error ? error.message : error}`);
    } finally {
      ledger.end(key, number);
    }
  };

  /** One process's life. */
  const live = async (keys: readonly string[]): Promise<void> => {
    const at = await start();
    const left = keys.filter((key) => !answers.has(key));
    const lane = async () => {
      for (let key = left.shift(); key !== undefined && !isDoomed; key = left.shift()) await ask(at, key);
    };
    await Promise.all(Array.from({ length: CALLS_AT_ONCE }, lane));
  };

  return {
    language: command.name,
    answers,
    errors,
    get kills() {
      return kills;
    },
    async fingerprint(key) {
      if (driver === undefined) throw new Error("bug: this worker has not begun");
      const { algorithm, digest } = await driver.ask("fingerprint", { json: spelling(key, number) });
      return `${algorithm} ${digest}`;
    },
    async run(keys) {
      const order = shuffled(keys, random);
      while (answers.size < keys.length && errors.length === 0) {
        await live(order);
        if (!isDoomed) continue;
        await driver?.kill();
        // The attempts of a dead process are over; what it had done of them is in the ledger.
        ledger.endAllOf(number);
      }
      if (isDoomed) await start();
    },
    async stop() {
      await driver?.kill();
    },
  };
}

function resultOf({ value }: Json): string {
  if (typeof value !== "string") throw new Error(`a result of the race is no JSON text, but ${value}`);
  return value;
}

/** The same input, as different programs would spell it. */
export function spelling(key: string, worker: number): string {
  const amount = Number(key.slice(4)) / 8;
  const fields = [
    `"key":${JSON.stringify(key)}`,
    `"amount":${worker % 2 === 0 ? amount : amount.toExponential()}`,
    `"note":${worker % 3 === 0 ? String.raw`"\u20ac \ud83d\ude00 \u00e9"` : `"\u20ac \u{1f600} \u00e9"`}`,
    `"\u{1f600}":[1${worker % 2 === 0 ? ".0" : ""},1e21]`,
    `"\ufb33":null`,
  ];
  const turn = worker % fields.length;
  return `{${[...fields.slice(turn), ...fields.slice(0, turn)].join(worker % 4 === 0 ? ", " : ",")}}`;
}
