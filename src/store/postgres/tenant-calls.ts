import type { Waiting } from "./fair-queue.ts";

/** Of all tenants of a queue: keys that have a call waiting, and none under way. */
export interface ReadyKeys {
  count: number;
}

/** What waits of one tenant, by key. */
export class TenantCalls<Item extends Waiting> {
  /** Of the keys of which no call is under way, in the order of their turns; no list is empty. */
  readonly #ready = new Map<string, Item[]>();
  /** Of the others; lists may be empty. */
  readonly #underWay = new Map<string, Item[]>();
  readonly #ofAll: ReadyKeys;
  deficit = 0;
  /** Of the batch in the making. */
  batchRows = 0;
  batchBytes = 0;

  constructor(ofAll: ReadyKeys) {
    this.#ofAll = ofAll;
  }

  /** Nothing waits, and nothing is under way. */
  get isForgettable(): boolean {
    return this.#ready.size === 0 && this.#underWay.size === 0;
  }

  /** How many keys are ready. */
  get ready(): number {
    return this.#ready.size;
  }

  /** Whoever walks over them may take or discard what he comes by. */
  readyKeys(): IterableIterator<string> {
    return this.#ready.keys();
  }

  /** The first of a key that is ready. */
  headOf(keyText: string): Item | undefined {
    return this.#ready.get(keyText)?.[0];
  }

  put(item: Item, place: "head" | "tail"): void {
    const list = this.#underWay.get(item.keyText) ?? this.#ready.get(item.keyText);
    if (list === undefined) this.#makeReady(item.keyText, [item]);
    else if (place === "tail") list.push(item);
    else list.unshift(item);
  }

  /** Takes the first of a key that is ready; the others of the key wait until it is released. */
  take(item: Item): void {
    const list = this.#shift(item);
    this.#makeUnready(item.keyText);
    this.#underWay.set(item.keyText, list);
  }

  /** The first of a key that is ready leaves, and the next one is. */
  discard(item: Item): void {
    if (this.#shift(item).length === 0) this.#makeUnready(item.keyText);
  }

  /** Whoever is next of the key is ready, behind all others. */
  release(keyText: string): void {
    const list = this.#underWay.get(keyText);
    this.#underWay.delete(keyText);
    if (list !== undefined && list.length > 0) this.#makeReady(keyText, list);
  }

  /** The key keeps its place in the order. */
  remove(keyText: string, goes: (item: Item) => boolean): void {
    const place = this.#ready.has(keyText) ? this.#ready : this.#underWay;
    const list = place.get(keyText);
    if (list === undefined || list.length === 0) return;
    const rest = list.filter((item) => !goes(item));
    place.set(keyText, rest);
    if (rest.length === 0 && place === this.#ready) this.#makeUnready(keyText);
  }

  /** Takes everything that waits. Keys of which a call is under way stay so. */
  drain(): Item[] {
    const all = [...this.#ready.values(), ...this.#underWay.values()].flat();
    for (const keyText of this.#ready.keys()) this.#makeUnready(keyText);
    for (const keyText of this.#underWay.keys()) this.#underWay.set(keyText, []);
    return all;
  }

  #shift(item: Item): Item[] {
    const list = this.#ready.get(item.keyText);
    if (list?.shift() !== item) throw new Error("bug: not at the head of its key");
    return list;
  }

  #makeReady(keyText: string, list: Item[]): void {
    this.#ready.set(keyText, list);
    this.#ofAll.count++;
  }

  #makeUnready(keyText: string): void {
    if (this.#ready.delete(keyText)) this.#ofAll.count--;
  }
}
