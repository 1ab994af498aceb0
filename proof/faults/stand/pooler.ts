import { findProgram } from "../../../test/infra/support/packages.ts";
import { type PgBouncer, startPgBouncer } from "../../../test/infra/support/pgbouncer.ts";
import { CannotRun } from "../cannot-run.ts";
import { DATABASE, ROLE } from "./postgres.ts";

/** PgBouncer in transaction mode. */
export interface StandPooler extends PgBouncer {
  readonly port: number;
}

export async function openPooler(databasePort: number): Promise<StandPooler> {
  const program = await findProgram("pgbouncer");
  if (program.kind === "missing") throw new CannotRun(`pgbouncer ${program.why}`);
  const pooler = await startPgBouncer(program, { mode: "transaction", port: databasePort });
  return {
    ...pooler,
    port: Number(new URL(pooler.url(DATABASE, ROLE)).port),
    async pointTo(port) {
      await pooler.pointTo(port);
      await pooler.command("RECONNECT");
    },
  };
}
