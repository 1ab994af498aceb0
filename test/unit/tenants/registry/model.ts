import { expect } from "vitest";
import type { TenantRegistration, Verdict } from "../../../../src/domain/registration.ts";
import type { Phase, Transition } from "../../../../src/tenants/registry/deps.ts";
import { TenantRegistry } from "../../../../src/tenants/registry.ts";
import type { HealthState } from "../../../../src/tenants/table.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";
import { HOSTS, IDS, type Step } from "./random-steps.ts";
import { HTTP, hostsOf, registrationOf } from "./scene.ts";
import { COMMIT_FAILED, createStoredHealths } from "./stored-healths.ts";

interface UnderWay<Value> {
  readonly registration: TenantRegistration;
  readonly signal: AbortSignal | null;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

interface Runtime {
  readonly registration: TenantRegistration;
}

/** Kept from one build to the next. */
const NOT_BUILT = "this server could not build the tenant";
const PASSING = new Error("passing");

/** Takes the steps with a registry, and holds what is seen of it against what must be true of any. */
export function createModelledRegistry() {
  const clock = createManualClock();
  const builds: UnderWay<Runtime>[] = [];
  const validations: UnderWay<Verdict>[] = [];
  const stored = createStoredHealths((id, generation, state) => {
    registry.observe(id, generation, state, draining.get(id) ?? false);
  });
  /** By generation, all that were ever taken in. */
  const registrations = new Map<bigint, TenantRegistration>();
  const newest = new Map<string, TenantRegistration>();
  const draining = new Map<string, boolean>();
  const alive = new Set<Runtime>();
  let made = 0;
  let broken: unknown = null;

  /** The registry would take what is thrown at it for the failure of whatever it has called. */
  function holds(check: () => void): void {
    try {
      check();
    } catch (error) {
      broken ??= error;
    }
  }

  const underWay = <Value>(list: UnderWay<Value>[], registration: TenantRegistration, signal: AbortSignal) => {
    const same = list.filter((other) => other.registration === registration && other.signal?.aborted === false);
    holds(() => expect(same, "one at most is under way for a generation").toEqual([]));
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    list.push({ registration, signal, resolve, reject });
    return promise;
  };

  const registry = new TenantRegistry<Runtime>({
    clock,
    now: stored.now,
    build: (registration, signal) => underWay(builds, registration, signal),
    validate(registration, signal) {
      holds(() => expect(registration.validator.kind).toBe("http"));
      return underWay(validations, registration, signal);
    },
    dispose(runtime) {
      const wasAlive = alive.delete(runtime);
      holds(() => expect(wasAlive, "what was built is disposed of once").toBe(true));
    },
    commit(change) {
      holds(() => expect(generationsOf(change.id), "nothing else is made durable").toContain(change.generation));
      return stored.commit(change);
    },
    isPassing: (error) => error === PASSING,
    limits: { retryMs: 100, retryMsMax: 1_000, backgroundMax: 2 },
    observer: {
      built() {},
      undecided() {},
      failed() {},
      transition: (transition) => holds(() => checkTransition(transition)),
    },
  });

  function generationsOf(id: string): readonly bigint[] {
    const state = registry.state(id);
    return [state, state?.candidate].flatMap((held) => (held ? [held.generation] : []));
  }

  function checkTransition({ id, generation, from, to, event }: Transition): void {
    expect(generationsOf(id), "nothing lands on what is not held").toContain(generation);
    if (to === "healthy") expect(["accepted", "built", "observed"]).toContain(event);
    if (from === "disabled") expect(["accepted", "built", "observed"]).toContain(event);
  }

  function register(step: Extract<Step, { readonly kind: "register" }>): void {
    const { id, hosts, isEager, isValidated, isAwaited, health } = step;
    const registration = registrationOf(id, {
      ...hostsOf(...hosts),
      displayName: `${++made}`,
      ...(isValidated ? { validator: HTTP } : {}),
    });
    const options = health === null ? {} : { health: { health, reason: "", since: stored.now() } };
    const isTaken = hosts.some((host) => [...newest].some(([other, held]) => other !== id && names(held, host)));
    const before = registry.snapshot();
    try {
      if (isEager) {
        registry.register(registration, { ...options, awaitFirstValidation: isAwaited }).catch(checkExpected);
      } else registry.registerLazy(registration, options);
    } catch (error) {
      checkExpected(error);
    }
    if (isTaken) {
      expect(registry.snapshot(), "a name that is taken changes nothing").toEqual(before);
      return;
    }
    newest.set(id, registration);
    const state = registry.state(id);
    const held = state?.candidate ?? state;
    registrations.set(held?.generation ?? 0n, registration);
    if (held)
      stored.put(held.generation, options.health ?? { ...held.health, health: isValidated ? "pending" : "healthy" });
    if (!draining.has(id)) draining.set(id, false);
  }

  function unregister(id: string): void {
    expect(registry.unregister(id)).toBe(newest.delete(id));
    draining.delete(id);
  }

  function resolve(id: string): void {
    const check = (resolved: Awaited<ReturnType<typeof registry.resolve>>) => {
      if (resolved === null) return expect(registry.state(id)).toBeNull();
      expect(resolved.tenant.generation).toBe(registry.state(id)?.generation);
      if (resolved.runtime === null) return expect(resolved.tenant.health).toBe("disabled");
      expect(alive, "nobody is given what was disposed of").toContain(resolved.runtime);
      expect(resolved.runtime.registration).toBe(registrations.get(resolved.tenant.generation));
    };
    registry.resolve(id).then(check).catch(checkExpected);
  }

  /** What is none of the errors that callers are told of is what a check has found. */
  function checkExpected(error: unknown): void {
    const { code } = error as { code?: string };
    const expected = ["HOST_TAKEN", "TENANT_NOT_FOUND", "TENANT_CHANGED", "DRAINING"];
    if (error !== PASSING && error !== COMMIT_FAILED && !expected.includes(code ?? "")) broken ??= error;
  }

  async function take(step: Step): Promise<void> {
    switch (step.kind) {
      case "register":
        return register(step);
      case "unregister":
        return unregister(step.id);
      case "resolve":
        return resolve(step.id);
      case "recheck":
        return void registry
          .recheck(step.id)
          .then(({ health }) => {
            const phases = [registry.state(step.id), registry.state(step.id)?.candidate].map((held) => held?.phase);
            if (health === "healthy") expect(phases, "nobody is healthy with nothing built").toContain("built");
          })
          .catch(checkExpected);
      case "drain":
        if (registry.drain(step.id, step.draining)) draining.set(step.id, step.draining);
        return;
      case "observe": {
        const generation = step.isNewest ? generationsOf(step.id).at(-1) : generationsOf(step.id).at(0);
        if (generation !== undefined) stored.change(step.id, generation, step.health);
        return;
      }
      case "end-build": {
        const build = taken(builds, step.pick);
        if (build === undefined) return;
        if (step.how !== "succeed") return build.reject(step.how === "pass" ? PASSING : new Error("failed"));
        const runtime = { registration: build.registration };
        alive.add(runtime);
        return build.resolve(runtime);
      }
      case "end-validation": {
        const validation = taken(validations, step.pick);
        if (step.verdict === null) validation?.reject(PASSING);
        else validation?.resolve(step.verdict);
        return;
      }
      case "end-commit":
        taken(stored.underWay, step.pick)?.answer(step.how);
        return;
      case "advance":
        return clock.advance(step.ms);
      case "forget-idle":
        for (const id of registry.forgetIdle(step.idleMs)) {
          newest.delete(id);
          draining.delete(id);
        }
    }
  }

  function check(): void {
    if (broken !== null) throw broken;
    const states = registry.snapshot();
    expect(states.map(({ id }) => id).toSorted()).toEqual([...newest.keys()].toSorted());
    let built = 0;
    for (const { id, generation, phase, health, candidate, draining: flag } of states) {
      expect(flag).toBe(draining.get(id));
      expect(registrations.get(candidate?.generation ?? generation)).toBe(newest.get(id));
      if (candidate !== null) expect(phase, "only what is built serves on").toBe("built");
      checkHealth(generation, phase, health);
      if (candidate !== null) checkHealth(candidate.generation, candidate.phase, candidate.health);
      built += [phase, candidate?.phase].filter((held) => held === "built").length;
    }
    expect(alive.size, "what was built is held or disposed of").toBe(built);
    for (const host of HOSTS) checkHost(host);
  }

  function checkHealth(generation: bigint, phase: Phase, { health, reason }: HealthState): void {
    if (phase === "failed") expect(health).toBe("disabled");
    else if (reason !== NOT_BUILT) expect(health, "what is stored is seen").toBe(stored.seen(generation) ?? health);
  }

  function checkHost(host: string): void {
    const [name = "", ...path] = host.split("/");
    const found = registry.findHost(name, ["", ...path].join("/"));
    const serving = IDS.filter((id) => {
      const current = registrations.get(registry.state(id)?.generation ?? 0n);
      return current !== undefined && names(current, host);
    });
    const owner = serving.find((id) => names(newest.get(id), host));
    if (owner !== undefined) expect(found, "whose newest registration serves under it").toBe(owner);
    else expect([null, ...serving], "nobody, or whose serving registration had it").toContain(found);
  }

  return {
    async take(step: Step): Promise<void> {
      await take(step);
      await settled();
      check();
    },
    /** Whatever is still under way ends too late. */
    async end(): Promise<void> {
      registry.close();
      newest.clear();
      for (const build of builds.splice(0)) {
        const runtime = { registration: build.registration };
        alive.add(runtime);
        build.resolve(runtime);
      }
      for (const validation of validations.splice(0)) validation.resolve({ kind: "accepted" });
      for (const commit of stored.underWay.splice(0)) commit.answer("succeed");
      await settled();
      check();
    },
  };
}

function names(registration: TenantRegistration | undefined, name: string): boolean {
  return registration?.hosts.some(({ host, path }) => `${host}${path}` === name) ?? false;
}

function taken<Item>(list: Item[], pick: number): Item | undefined {
  return list.length === 0 ? undefined : list.splice(pick % list.length, 1)[0];
}
