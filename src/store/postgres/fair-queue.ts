import { type ReadyKeys, TenantCalls } from "./tenant-calls.ts";

/** What waits in a fair queue. */
export interface Waiting {
  readonly tenant: string;
  /** Two with the same text are of the same record. */
  readonly keyText: string;
  readonly bytes: number;
}

export interface Take<Item> {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** True: the item leaves the queue, but not into the batch. */
  discard(item: Item): boolean;
}

/**
 * A queue that hands out batches of distinct keys, fairly among tenants. Whoever puts calls into it bounds them.
 *
 * Deficit round-robin: in each round a tenant may take a quantum of cost, and saves what it cannot use. A call costs its
 * bytes and a fixed share for the row. While another tenant's calls are left, none gets more than half of a batch's rows,
 * nor another call once it has half of the bytes.
 *
 * Calls of one key leave in the order in which they came, and one at a time: what is taken is under way until it is
 * released, and the others of its key wait. So no key is in two batches at once, however many batches there are.
 */
export interface FairQueue<Item extends Waiting> {
  /** How many could be taken now: one of each key that has none under way. */
  readonly ready: number;
  put(item: Item): void;
  /** To the head of its key, and first into the next batch. */
  putFirst(item: Item): void;
  take(limits: Take<Item>): Item[];
  /** What was taken is under way no more. */
  release(item: Item): void;
  /** Takes those of the same key that `accept` accepts. */
  takeOfKey(key: Waiting, accept: (item: Item) => boolean): void;
  /** Takes everything that waits. */
  drain(): Item[];
}

/** Sixteen rows without a body: small enough that a batch of 256 holds a turn of sixteen tenants. */
const ROW_COST = 512;
const QUANTUM = 16 * ROW_COST;

export function createFairQueue<Item extends Waiting>(): FairQueue<Item> {
  /** In the order of their turns. */
  const tenants = new Map<string, TenantCalls<Item>>();
  let urgent: Item[] = [];
  const ready: ReadyKeys = { count: 0 };

  const put = (item: Item, place: "head" | "tail") => {
    let tenant = tenants.get(item.tenant);
    if (tenant === undefined) {
      tenant = new TenantCalls<Item>(ready);
      tenants.set(item.tenant, tenant);
    }
    tenant.put(item, place);
  };

  const isHead = (item: Item) => tenants.get(item.tenant)?.headOf(item.keyText) === item;

  return {
    get ready() {
      return ready.count;
    },

    put(item) {
      put(item, "tail");
    },

    putFirst(item) {
      put(item, "head");
      urgent.push(item);
    },

    take(take) {
      const batch = createFilling(tenants, take).fill(urgent);
      // Those that found no room are as urgent as before.
      if (urgent.length > 0) urgent = urgent.filter(isHead);
      return batch;
    },

    release(item) {
      const tenant = tenants.get(item.tenant);
      tenant?.release(item.keyText);
      if (tenant?.isForgettable) tenants.delete(item.tenant);
    },

    takeOfKey({ tenant: name, keyText }, accept) {
      const tenant = tenants.get(name);
      tenant?.remove(keyText, accept);
      if (tenant?.isForgettable) tenants.delete(name);
    },

    drain() {
      urgent = [];
      const all = [...tenants.values()].flatMap((tenant) => tenant.drain());
      for (const [name, tenant] of tenants) if (tenant.isForgettable) tenants.delete(name);
      return all;
    },
  };
}

/** One batch in the making. */
function createFilling<Item extends Waiting>(
  tenants: Map<string, TenantCalls<Item>>,
  { rowsMax, bytesMax, discard }: Take<Item>,
) {
  const batch: Item[] = [];
  let batchBytes = 0;
  let full = rowsMax <= 0;

  /** The first of a key that may go; what may not leaves the queue. */
  const headOf = (tenant: TenantCalls<Item>, keyText: string): Item | undefined => {
    for (;;) {
      const item = tenant.headOf(keyText);
      if (item === undefined || !discard(item)) return item;
      tenant.discard(item);
    }
  };

  const isHungry = (tenant: TenantCalls<Item>): boolean => {
    for (const keyText of tenant.readyKeys()) if (headOf(tenant, keyText) !== undefined) return true;
    return false;
  };

  const put = (item: Item, tenant: TenantCalls<Item>): void => {
    // The first goes in whatever its size, or it would never go.
    full = batch.length > 0 && batchBytes + item.bytes > bytesMax;
    if (full) return;
    tenant.take(item);
    batch.push(item);
    batchBytes += item.bytes;
    tenant.batchRows++;
    tenant.batchBytes += item.bytes;
    full = batch.length >= rowsMax;
  };

  const hasItsHalf = (tenant: TenantCalls<Item>): boolean =>
    tenant.batchRows >= rowsMax / 2 || tenant.batchBytes >= bytesMax / 2;

  const turn = (name: string, tenant: TenantCalls<Item>, alone: boolean): void => {
    tenant.deficit += QUANTUM;
    for (const keyText of tenant.readyKeys()) {
      const item = headOf(tenant, keyText);
      if (item === undefined) continue;
      const cost = item.bytes + ROW_COST;
      if (!alone && (cost > tenant.deficit || hasItsHalf(tenant))) break;
      put(item, tenant);
      if (full) return; // Its turn goes on with the next batch.
      tenant.deficit = Math.max(0, tenant.deficit - cost);
    }
    if (tenant.ready === 0) tenant.deficit = 0;
    if (tenants.delete(name)) tenants.set(name, tenant);
  };

  const putUrgent = (items: readonly Item[]): void => {
    for (const item of items) {
      const tenant = tenants.get(item.tenant);
      if (tenant?.headOf(item.keyText) !== item) continue;
      if (discard(item)) tenant.discard(item);
      else if (!full) put(item, tenant);
    }
  };

  /** Whose calls may go; a tenant of whom nothing is left is forgotten. */
  const hungryTenants = (): [name: string, tenant: TenantCalls<Item>][] => {
    const hungry: [string, TenantCalls<Item>][] = [];
    for (const [name, tenant] of tenants) {
      if (isHungry(tenant)) hungry.push([name, tenant]);
      else if (tenant.isForgettable) tenants.delete(name);
    }
    return hungry;
  };

  return {
    fill(first: readonly Item[]): Item[] {
      for (const tenant of tenants.values()) {
        tenant.batchRows = 0;
        tenant.batchBytes = 0;
      }
      putUrgent(first);
      while (!full) {
        const hungry = hungryTenants();
        const alone = hungry.length === 1;
        const eligible = alone ? hungry : hungry.filter(([, tenant]) => !hasItsHalf(tenant));
        if (eligible.length === 0) break;
        for (const [name, tenant] of eligible) if (!full) turn(name, tenant, alone);
      }
      return batch;
    },
  };
}
