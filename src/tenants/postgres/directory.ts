import { readFileSync } from "node:fs";
import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { plainTenant, type Tenant, type TenantSelector } from "../../domain/tenant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { failureOf, internal, unavailable } from "../../store/postgres/errors.ts";
import type { TenantDirectory } from "../directory.ts";

export interface PostgresDirectoryDeps {
  /** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
}

/** The tables holdfast.tenant and holdfast.tenant_host. Nobody registers an issuer there. */
export function createPostgresDirectory({ run, clock }: PostgresDirectoryDeps): TenantDirectory {
  return {
    async resolve(selector, deadline) {
      const question = questionOf(selector);
      if (question === null) return null;
      try {
        const [row] = await run((connection) => {
          if (clock.monotonicMs() >= deadline) {
            throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the tenant was looked up");
          }
          return connection.query<TenantRow>(question.statement, [question.value]);
        });
        return row === undefined ? null : toTenant(row);
      } catch (thrown) {
        throw toFault(thrown);
      }
    },
  };
}

interface TenantRow {
  readonly id: string;
  readonly display_name: string;
}

const BY_ID = statement("tenant-by-id");
const BY_HOST = statement("tenant-by-host");

function questionOf(selector: TenantSelector) {
  switch (selector.kind) {
    case "id":
      return { statement: BY_ID, value: selector.id };
    case "host":
      return { statement: BY_HOST, value: selector.host };
    case "issuer":
      return null;
  }
}

function statement(name: string): { readonly name: string; readonly text: string } {
  return { name, text: readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8") };
}

function toTenant(row: TenantRow): Tenant {
  return plainTenant(row.id, row.display_name);
}

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return failureOf(thrown) === "bug" ? internal(thrown) : unavailable(thrown);
}
