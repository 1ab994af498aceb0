import { withClient } from "../../../src/store/postgres/connection.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { roleSettingsSql } from "../../../src/store/postgres/session-settings.ts";
import type { Cluster } from "./cluster.ts";

/** The role that Holdfast is given, and `app`, another application's on the same cluster. */
export const ROLE = "holdfast";

/** A migrated database whose owner is no superuser. */
export async function makeDatabase(cluster: Cluster, name: string, { forPooler }: { readonly forPooler: boolean }) {
  const { length } = await cluster.sql(`select from pg_roles where rolname = '${ROLE}'`);
  if (length === 0) await cluster.sql(`create role ${ROLE} login; create role app login`);
  await cluster.sql(`create database ${name} owner ${ROLE}`);
  await withClient({ url: cluster.url(name, ROLE) }, (client) => migrate(client));
  if (forPooler) await cluster.sql(roleSettingsSql(ROLE, name));
}
