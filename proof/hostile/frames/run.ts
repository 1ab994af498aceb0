import { createChance } from "../../sim/chance.ts";
import { KEPT_MIB_MAX, type Part } from "../measure.ts";
import type { Extent } from "../options.ts";
import type { Stand } from "../stand/stand.ts";
import { type Attack, createTally, type Target, unshownOf } from "./attack.ts";

/** A round that takes longer is left: the next one begins. */
const ROUND_MS_MAX = 20_000;

export interface AttackOptions {
  readonly seed: number;
  readonly from: number;
  readonly extent: Extent;
}

/** An attack, round after round. Which bytes a round sends is decided by the seed and its number alone. */
export function attackPart(attack: Attack, { server, hostile }: Stand, options: AttackOptions): Part {
  const { seed, from, extent } = options;
  const address = attack.port === "grpc" ? server.grpc : server.http;
  const tally = createTally();

  const round = async (number: number) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ROUND_MS_MAX);
    const chance = createChance(Math.imul(seed, 0x9e37_79b1) + number);
    const target: Target = { chance, address, authorization: hostile, signal: late.signal, tally, port: attack.port };
    await attack.round(target);
    clearTimeout(timer);
  };

  const rounds = async (): Promise<number> => {
    const endMs = performance.now() + (extent.kind === "seconds" ? extent.seconds * 1000 : Number.POSITIVE_INFINITY);
    const last = from + (extent.kind === "runs" ? extent.runs : Number.POSITIVE_INFINITY);
    let number = from;
    for (; number < last && performance.now() < endMs; number++) await round(number);
    return number - from;
  };

  return {
    ...{ name: attack.name, what: attack.what, seed, keptMiBMax: attack.keptMiBMax ?? KEPT_MIB_MAX },
    warm: async () => void (await rounds()),
    async body() {
      Object.assign(tally, createTally());
      return { runs: await rounds(), outcomes: { ...tally }, findings: [] };
    },
    unshown: () => unshownOf(attack, tally),
  };
}
