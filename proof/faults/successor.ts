import { dirname } from "node:path";
import { readMigrations } from "../../src/store/postgres/migrate.ts";
import { successorWith } from "../../test/infra/support/builds.ts";
import { holdfast } from "../../test/process/server.ts";
import { ROLE } from "./stand/postgres.ts";
import type { StandDatabase } from "./stand/stand.ts";

/** The build that comes after this one: it has one more migration, with which this one, and the one before, may go on. */
export interface Successor extends AsyncDisposable {
  /** For a server's `tree`. */
  readonly tree: string;
  /** As who deploys it does, with `holdfast migrate`. @throws if it was not applied */
  migrate(database: StandDatabase): Promise<void>;
  /** What a rehearsal needs and no deployment has: the schema is this build's again. */
  undo(database: StandDatabase): Promise<void>;
}

export async function createSuccessor(): Promise<Successor> {
  const newest = (await readMigrations()).at(-1)?.version ?? 0;
  const name = `${String(newest + 1).padStart(4, "0")}_next.sql`;
  const text = `-- oldest-reader: ${newest - 1}

alter table holdfast.record add column next_thing text not null default 'none' check (length(next_thing) < 100);
alter table holdfast.tenant add column next_thing bigint;
create table holdfast.next_thing (id bigint primary key);
`;
  const build = await successorWith({ name, text });
  return {
    tree: dirname(dirname(build.main)),
    async migrate(database) {
      const url = new URL(database.url());
      url.username = ROLE;
      const { stdout, stderr } = await holdfast(["migrate", "--database-url", url.href], {}, build.main);
      if (stdout !== `Applied ${name}.\n`) throw new Error(`the successor does not migrate: ${stdout}${stderr}`);
    },
    async undo(database) {
      await database.sql(`
        set lock_timeout = '3s';
        begin;
        alter table holdfast.record drop column next_thing;
        alter table holdfast.tenant drop column next_thing;
        drop table holdfast.next_thing;
        delete from holdfast.migration where version = ${newest + 1};
        commit`);
    },
    [Symbol.asyncDispose]: () => build[Symbol.asyncDispose](),
  };
}
