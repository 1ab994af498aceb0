import type { TenantSelector } from "../../domain/tenant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { Statement } from "../../store/postgres/statement.ts";
import { normalisePath, pathPrefixes } from "../paths.ts";
import type { FoundName } from "../table.ts";
import { loadStatement } from "./statement.ts";

const BY_ID = loadStatement("find-tenant-by-id");
const BY_HOST = loadStatement("find-tenant-by-host");
const BY_ISSUER = loadStatement("find-tenant-by-issuer");

export async function findTenant(connection: Connection, selector: TenantSelector): Promise<FoundName> {
  const [statement, values] = questionOf(selector);
  // Postgres has no text with a NUL in it: nobody is registered under one.
  if (values.flat().some((value) => value.includes("\0"))) return { id: null, names: 0n, subjects: "one" };
  const [row] = await connection.query<FoundName>(statement, values);
  if (row === undefined) throw new Error(`bug: no row from ${statement.name}`);
  return row;
}

type Question = readonly [statement: Statement, values: readonly (string | readonly string[])[]];

function questionOf(selector: TenantSelector): Question {
  switch (selector.kind) {
    case "id":
      return [BY_ID, [selector.id]];
    case "host":
      return [BY_HOST, [selector.host, pathPrefixes(normalisePath(selector.path))]];
    case "issuer":
      return [BY_ISSUER, [selector.issuer, selector.subject]];
  }
}
