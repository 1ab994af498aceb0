import { DatabaseError } from "pg";
import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { hostsArgument } from "./registration-arguments.ts";
import { loadStatement } from "./statement.ts";

const TAKEN_HOSTS = loadStatement("taken-hosts");
const UNIQUE_VIOLATION = "23505";

/** What a registration that failed on a constraint is told; null when it failed for another reason. */
export async function takenFault(
  connection: Connection,
  registration: TenantRegistration,
  error: unknown,
): Promise<Fault | null> {
  if (!(error instanceof DatabaseError) || error.code !== UNIQUE_VIOLATION) return null;
  switch (error.constraint) {
    case "tenant_pkey":
      return new Fault("TENANT_EXISTS", "a tenant of this id is registered already", { cause: error });
    case "tenant_host_taken":
      return hostTaken(connection, registration, error);
    case "tenant_issuer_taken":
      return new Fault("ISSUER_TAKEN", "an issuer with its subject belongs to another tenant, or is named twice", {
        cause: error,
      });
    default:
      return null;
  }
}

/** The statement says only that one was taken. By now it may be free again: then it is not named. */
async function hostTaken(connection: Connection, registration: TenantRegistration, cause: unknown): Promise<Fault> {
  const [taken] = await connection.query<{ readonly host: string; readonly path: string }>(TAKEN_HOSTS, [
    registration.id,
    hostsArgument(registration),
  ]);
  const name = taken === undefined ? "a host" : `the host ${taken.host}${taken.path}`;
  return new Fault("HOST_TAKEN", `${name} belongs to another tenant`, { cause });
}
