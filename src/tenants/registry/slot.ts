import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration, Verdict } from "../../domain/registration.ts";
import type { HealthState } from "../table.ts";
import { type Attempt, attempt } from "./attempt.ts";
import type { Job } from "./background.ts";
import type { Phase, RegistryDeps, RegistryLimits } from "./deps.ts";
import { type Landing, Standing, type StandingDeps } from "./standing.ts";

export interface SlotDeps<Runtime> extends Omit<RegistryDeps<Runtime>, keyof StandingDeps>, StandingDeps {
  readonly isPassing: (error: unknown) => boolean;
  readonly limits: RegistryLimits;
  /** The phase or the health is another one now. */
  readonly changed: (slot: Slot<Runtime>) => void;
}

/** How something ended that many may wait for. Dropped: nobody need wait for what is still under way. */
export type End = Landing;

const DONE: End = { kind: "done" };
const DROPPED: End = { kind: "dropped" };
const ACCEPTED: Verdict = { kind: "accepted" };
/** What was thrown may hold an address or driver text. */
const FAILED: Verdict = { kind: "uncertain", reason: "the validation failed" };

interface Validation extends PromiseWithResolvers<End> {
  /** Somebody has asked for a recheck. */
  isAsked: boolean;
}

/**
 * One generation of one tenant, and what is made of it.
 *
 * ```
 *   ┌──── fails, and that passes ────┐
 *   ▼                                │
 *  cold ──────── first call ────▶ building ──▶ built
 *                                  │    ▲
 *                            fails ▼    │ recheck
 *                                  failed            and from everywhere: dropped, for good
 * ```
 * What comes back after an await is compared with `isDropped`. A slot is never held again once it is dropped, and its
 * generation never changes: so a tenant that was registered anew, even under the same number, is told from the one that
 * it replaced, which a comparison of numbers alone would not do.
 */
export class Slot<Runtime> {
  readonly registration: TenantRegistration;
  readonly generation: bigint;
  isEager: boolean;
  /** Instant of the clock from which a resolve sets off what is still to be done here. */
  dueMs = Number.POSITIVE_INFINITY;
  job: Job | null = null;
  readonly #deps: SlotDeps<Runtime>;
  readonly #standing: Standing;
  #phase: Phase = "cold";
  #runtime: Runtime | null = null;
  #isDropped = false;
  /** Builds or validations in a row that are to be tried again. */
  #retries = 0;
  #controller: AbortController | null = null;
  #building: PromiseWithResolvers<End> | null = null;
  #validating: Validation | null = null;

  constructor(
    deps: SlotDeps<Runtime>,
    registration: TenantRegistration,
    generation: bigint,
    health: HealthState,
    isEager: boolean,
  ) {
    this.#deps = deps;
    this.registration = registration;
    this.generation = generation;
    this.isEager = isEager;
    this.#standing = new Standing(deps, registration, generation, health);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Null unless it is built. */
  get runtime(): Runtime | null {
    return this.#runtime;
  }

  get health(): HealthState {
    return this.#standing.health;
  }

  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** May replace what serves: built, and not waiting for its first good verdict. */
  get isReady(): boolean {
    return this.#phase === "built" && this.#standing.isAdmitted;
  }

  /** Nothing is under way. */
  get isQuiet(): boolean {
    return this.#building === null && this.#validating === null;
  }

  /** Builds what was never built, and asks for the first verdict where there is none. */
  async advance(): Promise<End> {
    const end = this.#phase === "cold" || this.#phase === "building" ? await this.build() : DONE;
    return end.kind === "done" && this.#isUnjudged() ? this.#validate(false) : end;
  }

  /** Builds unless it is built, even if that has failed before; then validates. */
  async recheck(): Promise<End> {
    const end = await this.build();
    return end.kind === "done" && this.#phase === "built" ? this.#validate(true) : end;
  }

  /** Once for all who ask meanwhile. Done when it is built, and also when that has failed for good. */
  build(): Promise<End> {
    if (this.#isDropped) return Promise.resolve(DROPPED);
    if (this.#phase === "built") return Promise.resolve(DONE);
    if (this.#building !== null) return this.#building.promise;
    const building = Promise.withResolvers<End>();
    this.#building = building;
    this.#phase = "building";
    this.dueMs = Number.POSITIVE_INFINITY;
    void this.#runBuild(building);
    return building.promise;
  }

  /** Somebody else has changed the health of this generation. */
  observe(told: HealthState): void {
    if (!this.#standing.observe(told)) return;
    if (this.#isUnjudged() && this.#validating === null) this.dueMs = this.#deps.clock.monotonicMs();
    this.#deps.changed(this);
  }

  /** Nothing of it lands anywhere from now on. Nobody is given its runtime, nobody waits for it any longer. */
  drop(): void {
    if (this.#isDropped) return;
    const runtime = this.#runtime;
    this.#isDropped = true;
    this.#runtime = null;
    this.job?.cancel();
    this.#building?.resolve(DROPPED);
    this.#validating?.resolve(DROPPED);
    this.#controller?.abort();
    if (this.#phase === "built") this.#deps.dispose(runtime as Runtime);
  }

  async #runBuild(building: PromiseWithResolvers<End>): Promise<void> {
    const { clock, build, dispose, observer } = this.#deps;
    const startedMs = clock.monotonicMs();
    const result = await attempt(() => build(this.registration, this.#signal()));
    if (this.#isDropped) {
      if (result.kind === "done") dispose(result.value);
      return;
    }
    this.#building = null;
    const error = result.kind === "threw" ? result.error : null;
    observer.built(this.registration.id, clock.monotonicMs() - startedMs, error);
    building.resolve(this.#takeBuild(result));
  }

  #takeBuild(result: Attempt<Runtime>): End {
    if (result.kind === "threw" && this.#deps.isPassing(result.error)) {
      this.#phase = "cold";
      this.#tryLater();
      return result;
    }
    if (result.kind === "threw") {
      this.#phase = "failed";
      this.#standing.buildFailed(reasonOf(result.error));
    } else {
      this.#phase = "built";
      this.#runtime = result.value;
      this.#standing.built();
    }
    this.#retries = 0;
    this.#deps.changed(this);
    if (this.#isUnjudged()) void this.#validate(false);
    return DONE;
  }

  #isUnjudged(): boolean {
    return this.#phase === "built" && this.#standing.isPending;
  }

  /** One for all who ask meanwhile. */
  #validate(isAsked: boolean): Promise<End> {
    if (this.#isDropped) return Promise.resolve(DROPPED);
    if (this.#validating !== null) {
      this.#validating.isAsked ||= isAsked;
      return this.#validating.promise;
    }
    const validation: Validation = { ...Promise.withResolvers<End>(), isAsked };
    this.#validating = validation;
    this.dueMs = Number.POSITIVE_INFINITY;
    void this.#runValidation(validation);
    return validation.promise;
  }

  async #runValidation(validation: Validation): Promise<void> {
    const asked = await attempt(() => this.#ask());
    if (this.#isDropped) return;
    const landed = await this.#standing.land(asked.kind === "done" ? asked.value : FAILED, {
      isAsked: validation.isAsked,
      isDropped: () => this.#isDropped,
      changed: () => this.#deps.changed(this),
    });
    if (this.#isDropped) return;
    this.#validating = null;
    if (asked.kind === "done") this.#tellUndecided(asked.value);
    if (this.#standing.isPending) this.#tryLater();
    else this.#retries = 0;
    const end = landed.kind === "done" && asked.kind === "threw" ? asked : landed;
    if (end.kind === "threw" && !validation.isAsked) this.#deps.observer.failed(this.registration.id, end.error);
    validation.resolve(end);
  }

  /** No health changes when a pending tenant's validator cannot tell, so that nothing else would say it. */
  #tellUndecided(verdict: Verdict): void {
    if (verdict.kind !== "uncertain" || !this.#standing.isPending || this.#retries > 0) return;
    const { registration, generation } = this;
    this.#deps.observer.undecided({ id: registration.id, generation, reason: verdict.reason });
  }

  async #ask(): Promise<Verdict> {
    if (this.registration.validator.kind === "none") return ACCEPTED;
    return this.#deps.validate(this.registration, this.#signal());
  }

  /** No jitter: a resolve has to come along as well, and servers are not resolved at in step. */
  #tryLater(): void {
    const { clock, limits } = this.#deps;
    this.dueMs = clock.monotonicMs() + Math.min(limits.retryMs * 2 ** this.#retries, limits.retryMsMax);
    this.#retries++;
  }

  /** One for everything that is asked about this generation. */
  #signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }
}

/** The message of a fault holds nothing secret; that of any other error may. */
function reasonOf(error: unknown): string {
  return error instanceof Fault ? error.message : "this server could not build the tenant";
}
