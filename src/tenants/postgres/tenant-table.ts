import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import { createChanging } from "../../store/postgres/changing.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { failureOf, internal, unavailable } from "../../store/postgres/errors.ts";
import { isPathPrefix } from "../paths.ts";
import type { StoredTenant, TenantTable } from "../table.ts";
import { drainTenant } from "./drain-tenant.ts";
import { findTenant } from "./find-tenant.ts";
import { judgeTenant } from "./judge-tenant.ts";
import { readTenant, readTenants } from "./read-tenants.ts";
import { registerTenant } from "./register-tenant.ts";
import { takenFault } from "./taken.ts";
import { readTenantIds } from "./tenant-ids.ts";
import { unregisterTenant } from "./unregister-tenant.ts";
import { updateTenant } from "./update-tenant.ts";

export interface PostgresTenantTableDeps {
  /** Lends a connection to the main cluster. Rejects with what `work` threw, or with a `Fault` when there is none. */
  readonly run: Run;
  /** The same for changes. Not the one above: a change waits for every other one, and a look-up for none. */
  readonly change: Run;
  readonly clock: Clock;
}

type Run = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

const NEVER = Number.POSITIVE_INFINITY;
const EAGER_PAGE = 500;

/**
 * The tables holdfast.tenant, tenant_host and tenant_issuer. A change whose connection is lost may have been made: it
 * is STORE_UNAVAILABLE all the same, and whoever repeats it learns what became of it.
 */
export function createPostgresTenantTable({ run, change: lend, clock }: PostgresTenantTableDeps): TenantTable {
  const ask = async <T>(deadline: number, work: (connection: Connection) => Promise<T>): Promise<T> => {
    try {
      return await run((connection) => {
        if (clock.monotonicMs() >= deadline) {
          throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the tenant was looked up");
        }
        return work(connection);
      });
    } catch (thrown) {
      throw toFault(thrown);
    }
  };

  const changing = createChanging({ change: lend, clock });
  const change: typeof changing = (deadline, work) =>
    changing(deadline, work).catch((thrown: unknown) => {
      throw toFault(thrown);
    });

  return {
    read: (id, deadline) => ask(deadline, (connection) => readTenant(connection, id)),
    find: (selector, deadline) => ask(deadline, (connection) => findTenant(connection, selector)),

    list: (afterId, limit, deadline) =>
      ask(deadline, async (connection) =>
        readTenants(connection, await readTenantIds(connection, "all", afterId, limit)),
      ),

    async eager() {
      const all: StoredTenant[] = [];
      for (let after: string | undefined = ""; after !== undefined; ) {
        const ids: readonly string[] = await ask(NEVER, (lent) =>
          readTenantIds(lent, "eager", after ?? "", EAGER_PAGE),
        );
        if (ids.length > 0) all.push(...(await ask(NEVER, (connection) => readTenants(connection, ids))));
        after = ids[EAGER_PAGE - 1];
      }
      return all;
    },

    async register(registration, health, by, deadline) {
      requirePaths(registration);
      return change(deadline, (connection) =>
        orTaken(connection, registration, registerTenant(connection, registration, health, by)),
      );
    },

    async update(registration, health, generation, by, deadline) {
      requirePaths(registration);
      const updated = await change(deadline, async (connection) => {
        const updating = updateTenant(connection, registration, health, generation, by);
        const outcome = await orTaken(connection, registration, updating);
        return outcome.kind === "overtaken" ? null : outcome;
      });
      switch (updated.kind) {
        case "updated":
          return updated.tenant;
        case "absent":
          return null;
        case "other-generation":
          throw new Fault("TENANT_CHANGED", "the tenant has another generation");
      }
    },

    unregister: (id, by, deadline) => change(deadline, (connection) => unregisterTenant(connection, id, by)),

    async drain(id, draining, by, deadline) {
      const { tenant } = await change(deadline, async (connection) => {
        await drainTenant(connection, id, draining, by);
        return { tenant: await readTenant(connection, id) };
      });
      return tenant;
    },

    async judge(id, generation, event, by, deadline) {
      const { health } = await change(deadline, async (connection) => ({
        health: await judgeTenant(connection, id, generation, event, by),
      }));
      return health;
    },
  };
}

async function orTaken<T>(connection: Connection, registration: TenantRegistration, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw (await takenFault(connection, registration, error)) ?? error;
  }
}

/** One that is spelt otherwise, or lies deeper than is looked, would be registered and never found. */
function requirePaths({ hosts }: TenantRegistration): void {
  const violations = hosts.flatMap(({ path }, index) =>
    isPathPrefix(path) ? [] : [{ field: `registration.hosts[${index}].path`, allowed: "a normalised path" }],
  );
  if (violations.length > 0) throw new Fault("FIELD_INVALID", "a path prefix cannot be registered", { violations });
}

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const failure = failureOf(thrown);
  return failure === "bug" || failure === "poison" ? internal(thrown) : unavailable(thrown);
}
