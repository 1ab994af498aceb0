import type { TenantRegistration, Validator, Verdict } from "../../../../src/domain/registration.ts";
import { DEFAULT_POLICY, UNLIMITED } from "../../../../src/domain/tenant.ts";
import type { HealthChange, RegistryDeps, Transition, Undecided } from "../../../../src/tenants/registry/deps.ts";
import { TenantRegistry } from "../../../../src/tenants/registry.ts";
import type { HealthState } from "../../../../src/tenants/table.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

/** What the tests build: named after the tenant and the number of the build. */
export interface Built {
  readonly name: string;
}

/** Something that the registry waits for until the test ends it. */
export interface Pending<Value> {
  readonly registration: TenantRegistration;
  readonly signal: AbortSignal;
  /** Everything has happened that follows from it. */
  succeed(value?: Value): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export interface PendingCommit {
  readonly change: HealthChange;
  /** By default with what was proposed. */
  answer(state?: HealthState | null): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export const HTTP: Validator = { kind: "http", url: "https://validator.example/" };

export function registrationOf(id: string, change: Partial<TenantRegistration> = {}): TenantRegistration {
  return {
    id,
    displayName: id,
    hosts: [],
    issuers: [],
    agentUrl: "",
    validator: { kind: "none" },
    eager: false,
    limits: UNLIMITED,
    policy: DEFAULT_POLICY,
    placement: "main",
    serveStates: ["healthy", "unverified"],
    encrypted: false,
    ...change,
  };
}

export function hostsOf(...hosts: readonly string[]): Pick<TenantRegistration, "hosts"> {
  return {
    hosts: hosts.map((name) => {
      const slash = name.indexOf("/");
      return slash < 0 ? { host: name, path: "" } : { host: name.slice(0, slash), path: name.slice(slash) };
    }),
  };
}

export const stateOf = (health: HealthState["health"], since = 1, reason = ""): HealthState => ({
  health,
  reason,
  since,
});

/** A registry all of whose builds and validations, and commits if asked for, wait for the test. */
export function createScene(change: Partial<RegistryDeps<Built>> & { readonly withCommits?: boolean } = {}) {
  const { withCommits = false, ...deps } = change;
  const clock = createManualClock();
  const builds: Pending<Built>[] = [];
  const validations: Pending<Verdict>[] = [];
  const commits: PendingCommit[] = [];
  const disposed: string[] = [];
  const transitions: Transition[] = [];
  const undecided: Undecided[] = [];
  const failures: unknown[] = [];
  let instant = 1_000;

  const pending = <Value>(
    list: Pending<Value>[],
    registration: TenantRegistration,
    signal: AbortSignal,
    value: Value,
  ): Promise<Value> => {
    const gate = Promise.withResolvers<Value>();
    const end = (act: () => void) => {
      act();
      return settled();
    };
    list.push({
      registration,
      signal,
      succeed: (given = value) => end(() => gate.resolve(given)),
      fail: (error) => end(() => gate.reject(error)),
    });
    return gate.promise;
  };

  const commit = (health: HealthChange): Promise<HealthState | null> => {
    const gate = Promise.withResolvers<HealthState | null>();
    commits.push({
      change: health,
      async answer(state = { health: health.to, reason: health.reason, since: ++instant }) {
        gate.resolve(state);
        await settled();
      },
      async fail(error) {
        gate.reject(error);
        await settled();
      },
    });
    return gate.promise;
  };

  const registry = new TenantRegistry<Built>({
    clock,
    now: () => ++instant,
    build: (registration, signal) =>
      pending(builds, registration, signal, { name: `${registration.id}#${builds.length + 1}` }),
    dispose: ({ name }) => disposed.push(name),
    validate: (registration, signal) => pending(validations, registration, signal, { kind: "accepted" }),
    observer: {
      built() {},
      transition: (transition) => transitions.push(transition),
      undecided: (validation) => undecided.push(validation),
      failed: (_, error) => failures.push(error),
    },
    ...(withCommits ? { commit } : {}),
    ...deps,
  });

  return {
    registry,
    clock,
    disposed,
    transitions,
    undecided,
    failures,
    builds,
    validations,
    commits,
    /** The newest of each, which must be there. */
    build: () => last(builds),
    validation: () => last(validations),
    commit: () => last(commits),
    /** Registered and built. */
    async serving(registration: TenantRegistration, health: HealthState = stateOf("healthy")) {
      void registry.register(registration, { health });
      await last(builds).succeed();
    },
  };
}

export type Scene = ReturnType<typeof createScene>;

function last<Item>(list: readonly Item[]): Item {
  const item = list.at(-1);
  if (item === undefined) throw new Error("nothing of the kind is under way");
  return item;
}

/** What became of a promise up to now. */
export async function outcomeOf<Value>(promise: Promise<Value>): Promise<Value | "waiting" | { threw: unknown }> {
  let outcome: Value | "waiting" | { threw: unknown } = "waiting";
  promise.then(
    (value) => {
      outcome = value;
    },
    (error: unknown) => {
      outcome = { threw: error };
    },
  );
  await settled();
  return outcome;
}
