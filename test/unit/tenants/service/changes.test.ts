import { describe, expect, test } from "vitest";
import type { TenantRegistration, Verdict } from "../../../../src/domain/registration.ts";
import { createMemoryStore } from "../../../../src/store/memory.ts";
import type { ChangeSubscriber, RegistryChange } from "../../../../src/tenants/change-feed.ts";
import { plainRuntime, type TenantRuntime } from "../../../../src/tenants/runtime.ts";
import { createTenantService } from "../../../../src/tenants/service.ts";
import type { TenantTable } from "../../../../src/tenants/table.ts";
import { freshToken, NOW } from "../../../support/records.ts";
import { createMemoryTenantTable } from "../../../support/tenant-table.ts";
import { waitAlone } from "../../../support/waiting.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";
import { storedTenant } from "./stored-tenant.ts";

const NEVER = Number.POSITIVE_INFINITY;
const BY = { actor: "api-key:test", reason: "" };
const validator = { kind: "http", url: "https://validator.example/" } as const;
const registrationOf = (id: string, declared: Partial<TenantRegistration> = {}) =>
  storedTenant(id, 1n, declared).registration;

/** One server over a table that others change as well, and a feed that tells what the test lets it tell. */
function scene({ verdict = { kind: "accepted" } }: { verdict?: Verdict } = {}) {
  let now = NOW;
  const clock = createManualClock();
  const table = createMemoryTenantTable(() => now++);
  /** Stands between the server and its table. */
  const through: { -readonly [Name in "read" | "find" | "eager"]: TenantTable[Name] } = {
    read: table.read,
    find: table.find,
    eager: table.eager,
  };
  const validator = { validate: async () => verdict };
  const built: TenantRegistration[] = [];
  const disposed: TenantRegistration[] = [];
  const registrations = new Map<TenantRuntime, TenantRegistration>();
  const subscribers: ChangeSubscriber[] = [];
  const store = createMemoryStore({ now: () => NOW, newToken: freshToken });
  const service = createTenantService({
    ...{ clock, now: () => now, random: () => 0.5 },
    table: {
      ...table,
      read: (...asked) => through.read(...asked),
      eager: () => through.eager(),
      find: (...asked) => through.find(...asked),
    },
    feed: {
      started: Promise.resolve(),
      subscribe(subscriber) {
        subscribers.push(subscriber);
        return () => undefined;
      },
    },
    async build(registration) {
      const runtime = plainRuntime(waitAlone({ store, clock }));
      built.push(registration);
      registrations.set(runtime, registration);
      return runtime;
    },
    dispose(runtime) {
      const registration = registrations.get(runtime);
      if (registration !== undefined) disposed.push(registration);
    },
    validate: () => validator.validate(),
    observer: { built() {}, transition() {}, undecided() {}, failed() {} },
  });
  return {
    ...{ service, table, through, validator, built, disposed },
    setClock(instant: number) {
      now = instant;
    },
    async tell(subject: string, action: string, sequence: bigint, change: Partial<RegistryChange> = {}) {
      const told: RegistryChange = {
        ...{ sequence, kind: "tenant", subject, action, tenant: subject, isEager: false, changesNames: true },
        ...change,
      };
      for (const subscriber of subscribers) subscriber.onChange(told);
    },
    lose() {
      for (const subscriber of subscribers) subscriber.onLost();
    },
    async tenant(id: string) {
      return (await service.enter(id, NEVER))?.tenant ?? null;
    },
  };
}

/** Lets a call of the table begin, and end when it is let go on. */
function stop<Asked extends readonly unknown[], Answer>(call: (...asked: Asked) => Promise<Answer>) {
  const answered = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  return {
    answered: answered.promise,
    go: go.resolve,
    async call(...asked: Asked): Promise<Answer> {
      const answer = await call(...asked);
      answered.resolve();
      await go.promise;
      return answer;
    },
  };
}

type Scene = ReturnType<typeof scene>;

const WAYS: readonly (readonly [how: string, learn: (on: Scene, generation: bigint) => Promise<unknown>])[] = [
  [
    "both changes are told at once",
    async ({ tell }, generation) => {
      await tell("acme", "unregister", generation - 1n);
      await tell("acme", "register", generation);
    },
  ],
  ["only the later change is told", ({ tell }, generation) => tell("acme", "register", generation)],
  ["anything may have changed", async ({ lose }) => lose()],
  ["both changes were made through it", ({ service }) => service.changed("acme")],
];

describe.each(["main", "eu"])("a tenant that was registered anew, on %s, and is refused", (placement) => {
  test.each(WAYS)("nothing of the old one serves when %s", async (_, learn) => {
    const on = scene({ verdict: { kind: "refused", reason: "no" } });
    await on.table.register(registrationOf("acme", { displayName: "old" }), "healthy", BY);
    expect(await on.tenant("acme")).toMatchObject({ displayName: "old", health: "healthy" });
    await on.table.unregister("acme", BY);
    const anew = registrationOf("acme", { displayName: "new", placement, validator });
    const { generation } = await on.table.register(anew, "pending", BY);
    await learn(on, generation);
    await settled();
    expect(on.disposed.map(({ displayName }) => displayName)).toEqual(["old"]);
    expect(await on.tenant("acme")).toMatchObject({ displayName: "new", generation });
    await settled();
    expect(await on.tenant("acme")).toMatchObject({ displayName: "new", health: "disabled", healthReason: "no" });
    expect(on.built.map(({ displayName, placement: where }) => [displayName, where])).toEqual([
      ["old", "main"],
      ["new", placement],
    ]);
  });
});

test("a deletion is acted on when it is told, not once the row was read", async () => {
  const on = scene();
  await on.table.register(registrationOf("acme"), "healthy", BY);
  await on.tenant("acme");
  await on.table.unregister("acme", BY);
  on.through.read = () => new Promise(() => undefined);
  await on.tell("acme", "unregister", 2n);
  expect(on.service.status().registered).toBe(0);
  expect(on.disposed.length).toBe(1);
});

test("a deletion that is told after the tenant was registered anew here takes nothing of that away", async () => {
  const on = scene();
  await on.table.register(registrationOf("acme"), "healthy", BY);
  await on.tenant("acme");
  await on.table.unregister("acme", BY);
  await on.table.register(registrationOf("acme", { displayName: "new" }), "healthy", BY);
  await on.service.changed("acme");
  const entered = await on.service.enter("acme", NEVER);
  await on.tell("acme", "unregister", 2n);
  await on.tell("acme", "register", 3n);
  await settled();
  expect(await on.service.enter("acme", NEVER)).toBe(entered);
  expect(on.disposed.length).toBe(1);
});

test("what was read for the start does not put back what was read for a caller meanwhile", async () => {
  const on = scene();
  for (const id of ["changed", "gone"]) await on.table.register(registrationOf(id, { eager: true }), "healthy", BY);
  const reading = stop(on.table.eager);
  on.through.eager = reading.call;
  on.service.start();
  await reading.answered;
  const updated = await on.table.update(registrationOf("changed", { eager: true }), null, null, BY);
  await on.table.unregister("gone", BY);
  expect(await on.tenant("changed")).toMatchObject({ generation: updated?.generation });
  expect(await on.tenant("gone")).toBeNull();
  reading.go();
  await settled();
  expect(await on.tenant("changed")).toMatchObject({ generation: updated?.generation });
  expect(on.service.status().registered).toBe(1);
  expect(on.built.length).toBe(1);
  expect(on.disposed).toEqual([]);
});

test("a disabled tenant that another server has lifted serves, though the clock of the database stepped back", async () => {
  const on = scene({ verdict: { kind: "refused", reason: "no" } });
  const { generation } = await on.table.register(registrationOf("acme", { validator }), "pending", BY);
  await on.tenant("acme");
  await settled();
  expect(await on.tenant("acme")).toMatchObject({ health: "disabled" });
  on.setClock(NOW - 1_000_000);
  await on.table.judge("acme", generation, { kind: "accepted" }, BY);
  await on.tell("acme", "health", 3n, { changesNames: false });
  await settled();
  expect(await on.tenant("acme")).toMatchObject({ health: "healthy" });
});

test("a row that was read before the tenant was disabled here does not lift that", async () => {
  const on = scene({ verdict: { kind: "refused", reason: "no" } });
  await on.table.register(registrationOf("acme", { validator }), "unverified", BY);
  await on.tenant("acme");
  const validating = stop(on.validator.validate);
  on.validator.validate = validating.call;
  const rechecking = on.service.recheck("acme", BY);
  await validating.answered;
  const reading = stop(on.table.read);
  on.through.read = reading.call;
  await on.tell("acme", "drain", 2n, { changesNames: false });
  await reading.answered;
  on.through.read = on.table.read;
  validating.go();
  expect(await rechecking).toMatchObject({ health: "disabled" });
  reading.go();
  const seen: unknown[] = [];
  for (let turn = 0; turn < 5; turn++) {
    seen.push((await on.tenant("acme"))?.health);
    await settled();
  }
  expect(seen).toEqual(Array.from({ length: 5 }, () => "disabled"));
});

const CHANGES: readonly (readonly [action: string, change: Partial<RegistryChange>, questions: number])[] = [
  ["register", {}, 2],
  ["update", {}, 2],
  ["update", { changesNames: false }, 1],
  ["health", { changesNames: false }, 1],
  ["revoke", { kind: "api-key" }, 1],
];

test.each(CHANGES)(
  "after %s, %j, of somebody else a name was asked for %d times",
  async (action, change, questions) => {
    const on = scene();
    let asked = 0;
    on.through.find = (...selector) => {
      asked++;
      return on.table.find(...selector);
    };
    const find = () => on.service.find({ kind: "host", host: "acme.example", path: "" }, NEVER);
    await find();
    await on.tell("other", action, 1n, change);
    await find();
    expect(asked).toBe(questions);
  },
);

test("a change of names holds for callers and for the authenticator, whichever of them was told of it first", async () => {
  const on = scene();
  const [host, issuer] = ["acme.example", "https://acme.example"];
  const names = { hosts: [{ host, path: "" }], issuers: [{ issuer, subject: "", audience: "us", jwksUrl: "" }] };
  const byHost = (name = host) => on.service.find({ kind: "host", host: name, path: "" }, NEVER);
  const byIssuer = (name = issuer) => on.service.findIssuer(name, "anybody", NEVER);
  expect([await byHost(), await byIssuer()]).toEqual([null, null]);
  await on.table.register(registrationOf("acme", names), "healthy", BY);
  expect([await byHost(), await byIssuer()]).toEqual([null, null]);
  await byHost("another.example");
  expect([await byIssuer(), await byHost()]).toEqual(["acme", "acme"]);
  await on.table.unregister("acme", BY);
  await byIssuer("https://another.example");
  expect([await byHost(), await byIssuer()]).toEqual([null, null]);
});
