import type { TenantRegistration, Verdict } from "../../domain/registration.ts";
import { nextHealth } from "../../domain/tenant-health.ts";
import type { HealthState } from "../table.ts";
import { attempt } from "./attempt.ts";
import type { RegistryDeps, RegistryObserver, Transition } from "./deps.ts";

export interface StandingDeps extends Pick<RegistryDeps<unknown>, "now" | "commit"> {
  readonly observer: RegistryObserver;
}

/** What became of a verdict. */
export type Landing =
  | { readonly kind: "done" }
  | { readonly kind: "dropped" }
  /** The generation is gone where healths are made durable. */
  | { readonly kind: "gone" }
  | { readonly kind: "threw"; readonly error: unknown };

export interface Judging {
  /** Somebody has asked for a recheck. */
  readonly isAsked: boolean;
  readonly isDropped: () => boolean;
  readonly changed: () => void;
}

/**
 * The health of one generation: what holds for all servers, and in front of it that this one could not build the
 * tenant.
 */
export class Standing {
  readonly #deps: StandingDeps;
  readonly #registration: TenantRegistration;
  readonly #generation: bigint;
  #own: HealthState;
  #failure: HealthState | null = null;
  #isAdmitted: boolean;

  constructor(deps: StandingDeps, registration: TenantRegistration, generation: bigint, own: HealthState) {
    this.#deps = deps;
    this.#registration = registration;
    this.#generation = generation;
    this.#own = own;
    this.#isAdmitted = own.health !== "pending";
  }

  get health(): HealthState {
    return this.#failure ?? this.#own;
  }

  get isPending(): boolean {
    return this.#own.health === "pending";
  }

  /** It does not wait for its first good verdict. One that was registered as disabled never did. */
  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  buildFailed(reason: string): void {
    const health = nextHealth(this.#own.health, { kind: "build-failed", reason });
    this.#change("build-failed", this.#own, { health, reason, since: this.#deps.now() });
  }

  built(): void {
    this.#change("built", this.#own, null);
  }

  /**
   * Somebody else has changed it. False when nothing is different now. What is told last holds, whatever its time, for a
   * clock may have stepped back: whoever tells keeps the order.
   */
  observe(told: HealthState): boolean {
    if (isSame(this.#own, told)) return false;
    this.#change("observed", told, this.#failure);
    return true;
  }

  /**
   * Durable first, then here; `changed` is called when that is so. What nobody asked for is only the first verdict,
   * which another server may have had meanwhile.
   */
  async land(verdict: Verdict, { isAsked, isDropped, changed }: Judging): Promise<Landing> {
    const from = this.#own;
    const to = this.#judged(verdict);
    if (!isAsked && (from.health !== "pending" || to === from)) return { kind: "done" };
    const result = await attempt(() => this.#commit(from, to, verdict));
    if (isDropped()) return { kind: "dropped" };
    if (result.kind === "threw") return result;
    if (result.value === null) return { kind: "gone" };
    this.#change(verdict.kind, this.#own === from ? result.value : laterOf(this.#own, result.value), this.#failure);
    changed();
    return { kind: "done" };
  }

  /** The same object when nothing changes. */
  #judged(verdict: Verdict): HealthState {
    const from = this.#own;
    const health = nextHealth(from.health, verdict);
    const reason = verdict.kind === "accepted" ? "" : verdict.reason;
    if (health !== from.health) return { health, reason, since: this.#deps.now() };
    return reason === from.reason ? from : { ...from, reason };
  }

  async #commit(from: HealthState, to: HealthState, event: Verdict): Promise<HealthState | null> {
    const { commit } = this.#deps;
    if (commit === undefined) return to;
    const { health, reason } = to;
    const { id } = this.#registration;
    return commit({ id, generation: this.#generation, from: from.health, to: health, reason, event });
  }

  #change(event: Transition["event"], own: HealthState, failure: HealthState | null): void {
    const from = this.health.health;
    this.#own = own;
    this.#failure = failure;
    if (own.health === "healthy" || own.health === "unverified") this.#isAdmitted = true;
    const { health, reason } = this.health;
    if (health === from) return;
    const { id } = this.#registration;
    this.#deps.observer.transition({ id, generation: this.#generation, from, to: health, reason, event });
  }
}

/** Of two states that were both made durable, the one that holds. The first when that cannot be told. */
function laterOf(one: HealthState, other: HealthState): HealthState {
  return other.since > one.since ? other : one;
}

function isSame(one: HealthState, other: HealthState): boolean {
  return one.health === other.health && one.reason === other.reason && one.since === other.since;
}
