import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { TenantRegistration } from "../domain/registration.ts";
import {
  REGISTRY_LIMITS,
  type Registered,
  type RegisterOptions,
  type RegistryDeps,
  type RegistryObserver,
  type Resolved,
  type TenantState,
} from "./registry/deps.ts";
import { answerOf, type Entry, newestOf, stateOf } from "./registry/entry.ts";
import { Holdings } from "./registry/holdings.ts";
import type { Slot } from "./registry/slot.ts";
import type { HealthState } from "./table.ts";

/**
 * The tenants that this process knows, and what it has built to serve them.
 *
 * A tenant is built once, at once or with the first resolve, however many ask. A changed registration is a candidate
 * first: what is built of the old one serves, under the old names, until the new one is built and, if pending, accepted;
 * then everything changes in one step. But nothing of the old one serves on where the new one has another placement, or
 * is encrypted when the old one was not. Calls that hold a runtime keep it.
 *
 * Nobody ever waits for another tenant. Whatever is awaited is dropped if its registration is not held any more when it
 * comes back. After `close` everything throws `Fault` DRAINING.
 */
export class TenantRegistry<Runtime> {
  readonly #clock: Clock;
  readonly #held: Holdings<Runtime>;
  #isClosed = false;

  constructor(deps: RegistryDeps<Runtime>) {
    const { limits = REGISTRY_LIMITS, observer = SILENT, isPassing = isAbort } = deps;
    this.#clock = deps.clock;
    this.#held = new Holdings({ ...deps, limits, observer, isPassing });
  }

  /**
   * Holds from the call on; built, and if pending validated, in the background. What is held under the same generation,
   * or without one the same registration, stays as it is, but for health and draining; unless it is disabled and no
   * generation is given. An older generation than the one that is held is ignored.
   *
   * With `awaitFirstValidation` answers once that has said something. Then throws `Fault` TENANT_NOT_FOUND or
   * TENANT_CHANGED when it was unregistered or registered anew meanwhile, and what the build threw if that passes; it is
   * registered all the same.
   * Throws `Fault` HOST_TAKEN (naming the host) or ISSUER_TAKEN; then nothing has changed.
   */
  async register(
    registration: TenantRegistration,
    options: RegisterOptions & { readonly awaitFirstValidation?: boolean } = {},
  ): Promise<Registered> {
    const { slot, isNew } = this.#hold(registration, options, true);
    if (options.awaitFirstValidation === true) {
      const end = await slot.advance();
      if (slot.isDropped) throw this.#lost(registration.id);
      if (end.kind === "threw" && slot.phase !== "built") throw end.error;
    }
    return registeredOf(slot, isNew);
  }

  /** The same, but built with the first resolve; at once only where something is built that it is to replace. */
  registerLazy(registration: TenantRegistration, options: RegisterOptions = {}): Registered {
    const { slot, isNew } = this.#hold(registration, options, false);
    return registeredOf(slot, isNew);
  }

  /** False when there was none. Its runtime is disposed of. */
  unregister(id: string): boolean {
    return this.#held.forget(id);
  }

  /**
   * The tenant of this id, built; null when there is none. Never waits for a validation, but sets one off that is due.
   * Throws what the build threw if that passes; if it does not, the tenant is disabled and without runtime.
   */
  resolve(id: string): Promise<Resolved<Runtime> | null> {
    return this.#ready(this.#held.entries.get(id)) ?? this.#wait(() => this.#held.entries.get(id));
  }

  /** The same by a normalised host. The longest prefix of the path on a boundary wins. */
  resolveHost(host: string, path: string): Promise<Resolved<Runtime> | null> {
    return (
      this.#ready(this.#named(this.findHost(host, path))) ?? this.#wait(() => this.#named(this.findHost(host, path)))
    );
  }

  resolveIssuer(issuer: string, subject: string): Promise<Resolved<Runtime> | null> {
    return (
      this.#ready(this.#named(this.findIssuer(issuer, subject))) ??
      this.#wait(() => this.#named(this.findIssuer(issuer, subject)))
    );
  }

  /** Whose it is; null: nobody's. Nothing is built. */
  findHost(host: string, path: string): string | null {
    return this.#held.names.findHost(host, path);
  }

  findIssuer(issuer: string, subject: string): string | null {
    return this.#held.names.findIssuer(issuer, subject);
  }

  /**
   * Builds the newest registration unless it is built, and validates it. Those who ask at once share one validation.
   * Throws what the validator threw, after the health was changed, and what `commit` threw, with the health as it was;
   * what the build threw if that passes; `Fault` TENANT_NOT_FOUND, or TENANT_CHANGED when it was replaced meanwhile.
   */
  async recheck(id: string): Promise<HealthState> {
    const entry = this.#held.entries.get(id);
    if (entry === undefined) throw this.#lost(id);
    const slot = newestOf(entry);
    const end = await slot.recheck();
    if (slot.isDropped) throw this.#lost(id);
    if (end.kind === "threw") throw end.error;
    if (end.kind === "gone") throw replacedFault();
    return slot.health;
  }

  /**
   * Resolves when the newest registration is built, if something is built that it is to replace; otherwise nothing of a
   * former one serves. One that cannot be built replaces nothing. Throws what the build threw if that passes.
   */
  async replaced(id: string): Promise<void> {
    for (let slot = this.#replacing(id); slot !== null; slot = this.#replacing(id)) {
      const end = await slot.build();
      if (end.kind === "threw" && !slot.isDropped) throw end.error;
    }
  }

  /** False when there is none. */
  drain(id: string, draining: boolean): boolean {
    return this.#held.drain(id, draining);
  }

  /**
   * Another server's change of this generation; to be told in the order of the changes. False when it is not held here:
   * then nothing has changed.
   */
  observe(id: string, generation: bigint, health: HealthState, draining: boolean): boolean {
    const entry = this.#held.entries.get(id);
    const slot = [entry?.current, entry?.candidate].find((held) => held?.generation === generation);
    slot?.observe(health);
    return slot != null && this.drain(id, draining);
  }

  /** Of what serves; null when there is none. */
  health(id: string): HealthState | null {
    return this.#held.entries.get(id)?.current.health ?? null;
  }

  state(id: string): TenantState | null {
    const entry = this.#held.entries.get(id);
    return entry === undefined ? null : stateOf(entry);
  }

  snapshot(): readonly TenantState[] {
    return [...this.#held.entries.values()].map(stateOf);
  }

  get size(): number {
    return this.#held.entries.size;
  }

  /**
   * Lets go of lazily registered tenants that nobody has resolved for so long, and says which: for whoever can register
   * them again when they are asked for.
   */
  forgetIdle(idleMs: number): readonly string[] {
    const sinceMs = this.#clock.monotonicMs() - idleMs;
    const forgotten: string[] = [];
    for (const [id, { current, candidate, usedMs }] of this.#held.entries) {
      if (usedMs > sinceMs || candidate !== null || current.isEager || !current.isQuiet) continue;
      this.#held.forget(id);
      forgotten.push(id);
    }
    return forgotten;
  }

  close(): void {
    this.#isClosed = true;
    for (const id of this.#held.entries.keys()) this.#held.forget(id);
  }

  #hold(registration: TenantRegistration, options: RegisterOptions, isEager: boolean) {
    if (this.#isClosed) throw closedFault();
    return this.#held.hold(registration, options, isEager);
  }

  #replacing(id: string): Slot<Runtime> | null {
    const slot = this.#held.entries.get(id)?.candidate ?? null;
    return slot?.phase === "cold" || slot?.phase === "building" ? slot : null;
  }

  #named(id: string | null): Entry<Runtime> | undefined {
    return id === null ? undefined : this.#held.entries.get(id);
  }

  /** The same promise of the same object each time, made when something has changed. */
  #ready(entry: Entry<Runtime> | undefined): Promise<Resolved<Runtime>> | null {
    if (entry === undefined) return null;
    entry.usedMs = this.#clock.monotonicMs();
    const newest = newestOf(entry);
    if (newest.dueMs <= entry.usedMs) this.#held.hurry(newest);
    entry.answer ??= answerOf(entry);
    return entry.answer;
  }

  /** Looks again after each wait: the tenant may be another one, or its name another tenant's. */
  async #wait(find: () => Entry<Runtime> | undefined): Promise<Resolved<Runtime> | null> {
    for (let entry = find(); entry !== undefined; entry = find()) {
      const ready = this.#ready(entry);
      if (ready !== null) return ready;
      const { current } = entry;
      const end = await current.build();
      if (end.kind === "threw" && !current.isDropped) throw end.error;
    }
    if (this.#isClosed) throw closedFault();
    return null;
  }

  /** Why somebody waited in vain for a registration of this id. */
  #lost(id: string): Fault {
    if (this.#isClosed) return closedFault();
    if (this.#held.entries.has(id)) return replacedFault();
    return new Fault("TENANT_NOT_FOUND", "there is no such tenant");
  }
}

const SILENT: RegistryObserver = { built() {}, transition() {}, undecided() {}, failed() {} };

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function registeredOf<Runtime>({ registration, generation, health }: Slot<Runtime>, isNew: boolean): Registered {
  return { id: registration.id, generation, health, isNew };
}

function replacedFault(): Fault {
  return new Fault("TENANT_CHANGED", "the tenant was registered anew meanwhile");
}

function closedFault(): Fault {
  return new Fault("DRAINING", "this server is shutting down; another one answers");
}
