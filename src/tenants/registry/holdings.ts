import { isDeepStrictEqual } from "node:util";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { HealthState } from "../table.ts";
import { Background } from "./background.ts";
import type { RegisterOptions } from "./deps.ts";
import { type Entry, newestOf } from "./entry.ts";
import { Names } from "./names.ts";
import { Slot, type SlotDeps } from "./slot.ts";

export interface Held<Runtime> {
  readonly slot: Slot<Runtime>;
  /** False: it was held already, or a newer one was. */
  readonly isNew: boolean;
}

/** What is registered: takes in, replaces, swaps and lets go, each in one step that nothing can come between. */
export class Holdings<Runtime> {
  readonly names = new Names();
  readonly entries = new Map<string, Entry<Runtime>>();
  readonly #deps: SlotDeps<Runtime>;
  readonly #background: Background;
  /** The greatest that was ever held, so that no generation counted here comes again. */
  #generation = 0n;

  constructor(deps: Omit<SlotDeps<Runtime>, "changed">) {
    this.#deps = { ...deps, changed: (slot) => this.#changed(slot) };
    this.#background = new Background(deps.limits.backgroundMax);
  }

  /** Throws `Fault` HOST_TAKEN, ISSUER_TAKEN; then nothing has changed. */
  hold(registration: TenantRegistration, options: RegisterOptions, isEager: boolean): Held<Runtime> {
    const entry = this.entries.get(registration.id);
    if (entry !== undefined && !isChanged(newestOf(entry), registration, options.generation)) {
      return { slot: this.#holdOn(entry, options, isEager), isNew: false };
    }
    this.names.own(entry === undefined ? null : newestOf(entry).registration, registration);
    const slot = this.#createSlot(registration, options, isEager);
    const isCandidate = entry?.current.phase === "built" && keepsRecords(entry.current.registration, registration);
    if (entry === undefined) this.#add(slot);
    else if (isCandidate) {
      propose(entry, slot);
      this.names.regain(entry.current.registration, registration);
    } else this.#replace(entry, slot);
    this.drain(registration.id, options.draining);
    // A candidate even if it is lazy: nobody is found under its names before, so that no call might ever build it.
    if (isEager || isCandidate) this.#enqueue(slot);
    return { slot, isNew: true };
  }

  /** Undefined: as it is. False when there is no such tenant. */
  drain(id: string, draining: boolean | undefined): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    if (draining !== undefined && draining !== entry.draining) {
      entry.draining = draining;
      entry.answer = null;
    }
    return true;
  }

  /** False when there is no such tenant. */
  forget(id: string): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    const { current, candidate } = entry;
    this.entries.delete(id);
    this.names.forget(current.registration);
    if (candidate !== null) this.names.forget(candidate.registration);
    current.drop();
    candidate?.drop();
    return true;
  }

  /** Does now what is due, free place or not. */
  hurry(slot: Slot<Runtime>): void {
    slot.job?.start();
    void this.#tend(slot);
  }

  #holdOn(entry: Entry<Runtime>, { generation, health, draining }: RegisterOptions, isEager: boolean): Slot<Runtime> {
    const slot = newestOf(entry);
    if (generation !== undefined && generation < slot.generation) return slot;
    slot.isEager = isEager;
    if (health !== undefined) slot.observe(health);
    this.drain(slot.registration.id, draining);
    const isQueued = slot.dueMs <= this.#deps.clock.monotonicMs();
    if (isEager && slot.phase === "cold" && !isQueued) this.#enqueue(slot);
    return slot;
  }

  #createSlot(registration: TenantRegistration, options: RegisterOptions, isEager: boolean): Slot<Runtime> {
    const generation = options.generation ?? this.#generation + 1n;
    if (generation > this.#generation) this.#generation = generation;
    const health = options.health ?? this.#firstHealth(registration);
    return new Slot(this.#deps, registration, generation, health, isEager);
  }

  #firstHealth({ validator }: TenantRegistration): HealthState {
    return { health: validator.kind === "none" ? "healthy" : "pending", reason: "", since: this.#deps.now() };
  }

  #add(slot: Slot<Runtime>): void {
    const usedMs = this.#deps.clock.monotonicMs();
    this.entries.set(slot.registration.id, { current: slot, candidate: null, draining: false, usedMs, answer: null });
    this.names.serve(null, slot.registration);
  }

  /** Nothing was built of the current one that may serve meanwhile. Those who wait for it wait for the new one. */
  #replace(entry: Entry<Runtime>, slot: Slot<Runtime>): void {
    const { current: old, candidate } = entry;
    entry.current = slot;
    entry.candidate = null;
    entry.answer = null;
    this.names.serve(old.registration, slot.registration);
    old.drop();
    if (candidate !== slot) candidate?.drop();
  }

  #changed(slot: Slot<Runtime>): void {
    const entry = this.entries.get(slot.registration.id);
    if (entry?.candidate === slot && mayReplace(slot, entry.current)) this.#replace(entry, slot);
    else if (entry?.current === slot) entry.answer = null;
  }

  #enqueue(slot: Slot<Runtime>): void {
    slot.job?.cancel();
    slot.dueMs = this.#deps.clock.monotonicMs();
    slot.job = this.#background.add(() => this.#tend(slot));
  }

  async #tend(slot: Slot<Runtime>): Promise<void> {
    if (slot.isDropped || slot.dueMs > this.#deps.clock.monotonicMs()) return;
    slot.dueMs = Number.POSITIVE_INFINITY;
    await slot.advance();
  }
}

/** Otherwise what is built of the old one acquires where nobody will look for it. */
function keepsRecords(old: TenantRegistration, changed: TenantRegistration): boolean {
  return old.placement === changed.placement && old.encrypted === changed.encrypted;
}

function propose<Runtime>(entry: Entry<Runtime>, slot: Slot<Runtime>): void {
  const superseded = entry.candidate;
  entry.candidate = slot;
  superseded?.drop();
}

/** What waits for its first good verdict replaces nothing but what waits for it as well. */
function mayReplace<Runtime>(candidate: Slot<Runtime>, current: Slot<Runtime>): boolean {
  return candidate.isReady || (candidate.phase === "built" && !current.isReady);
}

/** A disabled tenant that is registered again without a generation is tried anew. */
function isChanged<Runtime>(held: Slot<Runtime>, registration: TenantRegistration, generation: bigint | undefined) {
  if (generation !== undefined) return generation > held.generation;
  return held.health.health === "disabled" || !isDeepStrictEqual(held.registration, registration);
}
