/** Entries with a weight each, bounded in number and in weight: what was set or found longest ago makes room. */
export interface BoundedMap<Value> {
  get(name: string): Value | undefined;
  set(name: string, value: Value, weight?: number): void;
  delete(name: string): void;
  readonly size: number;
}

export interface Bounds {
  readonly entriesMax: number;
  /** Of all together. One that is heavier by itself is not kept. */
  readonly weightMax?: number;
}

export function createBoundedMap<Value>({
  entriesMax,
  weightMax = Number.POSITIVE_INFINITY,
}: Bounds): BoundedMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  let weights = 0;

  const remove = (name: string) => {
    weights -= entries.get(name)?.weight ?? 0;
    entries.delete(name);
  };

  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      entries.delete(name);
      entries.set(name, entry);
      return entry.value;
    },
    set(name, value, weight = 1) {
      remove(name);
      entries.set(name, { value, weight });
      weights += weight;
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && weights <= weightMax) break;
        remove(oldest);
      }
    },
    delete: remove,
    get size() {
      return entries.size;
    },
  };
}
