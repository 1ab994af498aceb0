import { canaryOf } from "../history/canaries.ts";
import { lookAtLast } from "../history/load/last-look.ts";
import { createRandom, pick, type Random } from "../history/load/random.ts";
import { type Key, openCallers } from "./calls.ts";
import { metricOf } from "./crowd.ts";
import type { Field } from "./row.ts";
import type { StandServer } from "./stand/stand.ts";
import { makeWave, type WaveOptions } from "./wave.ts";

export interface WavesOptions extends Pick<WaveOptions, "size" | "cutShare"> {
  /** Over all servers, each on a connection of its own; every other round of them by sessions. */
  readonly makers: number;
  readonly tenants: readonly string[];
  /** How many keys of each tenant are worked on at a time, of the same names for all. */
  readonly keys: number;
  /** So often each is picked before others take its place: what has been completed locks nothing any more. */
  readonly picksEach: number;
  readonly isOver: () => boolean;
}

/**
 * All makers at once, wave after wave, until it is over; then every record is looked at. So in each wave each server gets
 * as many calls at an instant as fill its batches.
 */
export async function makeWaves(field: Field, row: string, options: WavesOptions): Promise<void> {
  const { stand, recorder, random, scope } = field;
  const { makers, tenants, isOver, size, cutShare } = options;
  const keys = createKeys({ ...options, random, scope });
  using callers = openCallers(recorder, row);
  const rpcs = Array.from({ length: makers }, (_, i) => {
    const server = stand.servers[i % stand.servers.length];
    if (server === undefined) throw new Error("bug: a stand without servers");
    return callers.open(server, { session: Math.floor(i / stand.servers.length) % 2 === 0 });
  });
  const waves = rpcs.map((rpc): WaveOptions => {
    const own = createRandom(Math.floor(random() * 2 ** 32));
    const canary = ({ tenant = "" }: Key) => canaryOf(tenant === "" ? "default" : tenant);
    return { rpc, random: own, size, cutShare, key: keys.next, canary };
  });
  while (!isOver()) await Promise.all(waves.map(makeWave));
  await Promise.all(
    rpcs.map(async (rpc, i) => {
      const own = keys.made().filter((_, at) => at % rpcs.length === i);
      for (const tenant of tenants) {
        const names = own.filter((key) => key.tenant === tenant).map(({ key }) => key);
        await lookAtLast({ rpc, scope, tenant, names });
      }
    }),
  );
}

/** How many statements had more rows than this, which has to be a border of the metric. */
export async function batchesAbove(rows: number, servers: readonly StandServer[]): Promise<number> {
  const all = await metricOf(servers, "holdfast_batch_rows_count");
  return all - (await metricOf(servers, "holdfast_batch_rows_bucket", { le: String(rows) }));
}

interface KeysOptions extends Pick<WavesOptions, "tenants" | "keys" | "picksEach"> {
  readonly random: Random;
  readonly scope: string;
}

/** Keys of which all makers take their pick. */
function createKeys({ random, scope, tenants, keys, picksEach }: KeysOptions) {
  const made = new Map<string, Key>();
  let picks = 0;
  return {
    next(): Key {
      const generation = Math.floor(picks++ / (keys * tenants.length * picksEach));
      const tenant = pick(random, tenants);
      const key = `wave-${generation}-${Math.floor(random() * keys)}`;
      const name = `${tenant} ${key}`;
      const known = made.get(name) ?? { tenant, scope, key };
      made.set(name, known);
      return known;
    },
    made: (): readonly Key[] => [...made.values()],
  };
}
