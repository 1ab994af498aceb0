import type { Random } from "../../history/load/random.ts";

export interface KeysOptions {
  readonly keys: number;
  readonly generationMs: number;
}

/** The keys that callers work on: some at a time, and others after a while, so that most records are young. */
export function createKeys({ keys, generationMs }: KeysOptions) {
  const beganMs = performance.now();
  /** By tenant and generation. */
  const used = new Map<string, Set<string>>();
  const generation = () => Math.floor((performance.now() - beganMs) / generationMs);
  const placeOf = (number: number, tenant: string) => `${tenant} ${number}`;

  return {
    generation,
    /** The few that everybody meets at are a third of all turns. */
    pick(random: Random, tenant: string): string {
      const number = generation();
      const place = placeOf(number, tenant);
      const names = used.get(place) ?? new Set();
      used.set(place, names);
      const name = `${number}-${Math.floor(keys * (random() < 0.3 ? random() ** 3 : random()))}`;
      names.add(name);
      return name;
    },
    now(): readonly string[] {
      const number = generation();
      return Array.from({ length: keys }, (_, i) => `${number}-${i}`);
    },
    namesOf: (number: number, tenant: string): Iterable<string> => used.get(placeOf(number, tenant)) ?? [],
    *allOf(tenant: string): Generator<string> {
      for (let number = 0; number <= generation(); number++) yield* used.get(placeOf(number, tenant)) ?? [];
    },
  };
}
