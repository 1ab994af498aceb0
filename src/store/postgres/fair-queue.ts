/** What waits in a fair queue. */
export interface Waiting {
  readonly tenant: string;
  /** Two with the same text are of the same record. */
  readonly keyText: string;
  readonly bytes: number;
}

export interface QueueLimits {
  readonly callsMax: number;
  readonly bytesMax: number;
}

export interface Take<Item> {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** True: the item leaves the queue, but not into the batch. */
  discard(item: Item): boolean;
}

/**
 * A bounded queue that hands out batches of distinct keys, fairly among tenants.
 *
 * Deficit round-robin: in each round a tenant may take a quantum of cost, and saves what it cannot use. A call costs its
 * bytes and a fixed share for the row. While another tenant's calls are left, none gets more than half of a batch's rows,
 * nor another call once it has half of the bytes. None fills more than half of the queue, so a flood of one tenant's
 * calls never sheds another's.
 *
 * Calls of one key leave in the order in which they came.
 */
export interface FairQueue<Item extends Waiting> {
  readonly size: number;
  /** False: full, and the item is not in it. */
  offer(item: Item): boolean;
  /** Back to the head of its key, and first into the next batch; never refused. */
  putBack(item: Item): void;
  take(limits: Take<Item>): Item[];
  /** Takes those of the same key that `accept` accepts. */
  takeOfKey(key: Waiting, accept: (item: Item) => boolean): void;
  /** Takes everything. */
  drain(): Item[];
}

/** Sixteen rows without a body: small enough that a batch of 256 holds a turn of sixteen tenants. */
const ROW_COST = 512;
const QUANTUM = 16 * ROW_COST;

class Tenant<Item extends Waiting> {
  /** By key, in the order of their turns; no list is empty. */
  readonly keys = new Map<string, Item[]>();
  calls = 0;
  bytes = 0;
  deficit = 0;

  add(item: Item, place: "head" | "tail"): void {
    const list = this.keys.get(item.keyText);
    if (list === undefined) this.keys.set(item.keyText, [item]);
    else if (place === "tail") list.push(item);
    else list.unshift(item);
    this.calls++;
    this.bytes += item.bytes;
  }

  /** The key keeps its place in the order. */
  remove(keyText: string, goes: (item: Item) => boolean): Item[] {
    const gone: Item[] = [];
    const rest: Item[] = [];
    for (const item of this.keys.get(keyText) ?? []) (goes(item) ? gone : rest).push(item);
    if (rest.length === 0) this.keys.delete(keyText);
    else this.keys.set(keyText, rest);
    for (const item of gone) this.#uncount(item);
    return gone;
  }

  removeHead(item: Item): void {
    const list = this.keys.get(item.keyText);
    if (list?.[0] !== item) throw new Error("bug: not at the head of its key");
    list.shift();
    if (list.length === 0) this.keys.delete(item.keyText);
    this.#uncount(item);
  }

  moveBehindAll(keyText: string): void {
    const list = this.keys.get(keyText);
    if (this.keys.delete(keyText) && list !== undefined) this.keys.set(keyText, list);
  }

  #uncount(item: Item): void {
    this.calls--;
    this.bytes -= item.bytes;
  }

  head(keyText?: string): Item | undefined {
    return (keyText === undefined ? this.keys.values().next().value : this.keys.get(keyText))?.[0];
  }
}

export function createFairQueue<Item extends Waiting>(limits: QueueLimits): FairQueue<Item> {
  /** In the order of their turns; none is without calls. */
  const tenants = new Map<string, Tenant<Item>>();
  let urgent: Item[] = [];
  let calls = 0;
  let bytes = 0;

  const add = (item: Item, place: "head" | "tail") => {
    const tenant = tenants.get(item.tenant) ?? new Tenant<Item>();
    tenants.set(item.tenant, tenant);
    tenant.add(item, place);
    calls++;
    bytes += item.bytes;
  };

  const removed = (item: Item, tenant: Tenant<Item>) => {
    calls--;
    bytes -= item.bytes;
    if (tenant.calls === 0) tenants.delete(item.tenant);
  };

  const hasRoom = (item: Item): boolean => {
    if (calls + 1 > limits.callsMax || bytes + item.bytes > limits.bytesMax) return false;
    const tenant = tenants.get(item.tenant);
    if (tenant === undefined) return true;
    return tenant.calls + 1 <= limits.callsMax / 2 && tenant.bytes + item.bytes <= limits.bytesMax / 2;
  };

  return {
    get size() {
      return calls;
    },

    offer(item) {
      if (!hasRoom(item)) return false;
      add(item, "tail");
      return true;
    },

    putBack(item) {
      add(item, "head");
      urgent.push(item);
    },

    take(take) {
      const first = urgent;
      urgent = [];
      return createFilling(tenants, take, removed).fill(first);
    },

    takeOfKey({ tenant: name, keyText }, accept) {
      const tenant = tenants.get(name);
      if (tenant?.keys.has(keyText)) for (const item of tenant.remove(keyText, accept)) removed(item, tenant);
    },

    drain() {
      const all = [...tenants.values()].flatMap((tenant) => [...tenant.keys.values()].flat());
      tenants.clear();
      urgent = [];
      calls = 0;
      bytes = 0;
      return all;
    },
  };
}

/** One batch in the making. */
function createFilling<Item extends Waiting>(
  tenants: Map<string, Tenant<Item>>,
  { rowsMax, bytesMax, discard }: Take<Item>,
  removed: (item: Item, tenant: Tenant<Item>) => void,
) {
  const batch: Item[] = [];
  const keys = new Set<string>();
  const shares = new Map<string, { rows: number; bytes: number }>();
  let batchBytes = 0;
  let full = rowsMax <= 0;

  const remove = (item: Item, tenant: Tenant<Item>) => {
    tenant.removeHead(item);
    removed(item, tenant);
  };

  /** The next item that may go. Keys of this batch have moved behind all others, so one in front means that none is left. */
  const next = (tenant: Tenant<Item>): Item | undefined => {
    for (;;) {
      const item = tenant.head();
      if (item === undefined || keys.has(item.keyText)) return undefined;
      if (!discard(item)) return item;
      remove(item, tenant);
    }
  };

  const put = (item: Item, tenant: Tenant<Item>): void => {
    // The first goes in whatever its size, or it would never go.
    full = batch.length > 0 && batchBytes + item.bytes > bytesMax;
    if (full) return;
    remove(item, tenant);
    tenant.moveBehindAll(item.keyText);
    batch.push(item);
    keys.add(item.keyText);
    batchBytes += item.bytes;
    const share = shares.get(item.tenant) ?? { rows: 0, bytes: 0 };
    shares.set(item.tenant, { rows: share.rows + 1, bytes: share.bytes + item.bytes });
    full = batch.length >= rowsMax;
  };

  const hasItsHalf = (name: string): boolean => {
    const share = shares.get(name);
    return share !== undefined && (share.rows >= rowsMax / 2 || share.bytes >= bytesMax / 2);
  };

  const turn = (name: string, tenant: Tenant<Item>, alone: boolean): void => {
    tenant.deficit += QUANTUM;
    for (let item = next(tenant); item !== undefined; item = next(tenant)) {
      const cost = item.bytes + ROW_COST;
      if (!alone && (cost > tenant.deficit || hasItsHalf(name))) break;
      put(item, tenant);
      if (full) return; // Its turn goes on with the next batch.
      tenant.deficit = Math.max(0, tenant.deficit - cost);
    }
    if (next(tenant) === undefined) tenant.deficit = 0;
    if (tenants.delete(name)) tenants.set(name, tenant);
  };

  const putUrgent = (items: readonly Item[]): void => {
    for (const item of items) {
      const tenant = tenants.get(item.tenant);
      if (tenant?.head(item.keyText) !== item) continue;
      if (discard(item)) remove(item, tenant);
      else put(item, tenant);
    }
  };

  return {
    fill(first: readonly Item[]): Item[] {
      putUrgent(first);
      while (!full) {
        const hungry = [...tenants].filter(([, tenant]) => next(tenant) !== undefined);
        const alone = hungry.length === 1;
        const eligible = alone ? hungry : hungry.filter(([name]) => !hasItsHalf(name));
        if (eligible.length === 0) break;
        for (const [name, tenant] of eligible) if (!full) turn(name, tenant, alone);
      }
      return batch;
    },
  };
}
