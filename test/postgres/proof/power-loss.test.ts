import { describe, expect, test } from "vitest";
import { compileShim } from "../../../proof/faults/shim/compile.ts";
import { createStand } from "../../../proof/faults/stand/create-stand.ts";
import { until } from "../../process/waiting-calls.ts";

interface Case {
  readonly settings: Readonly<Record<string, string>>;
  /** Of five, each of a transaction of its own. */
  readonly kept: number;
}

/** The writer of the log is not to be quicker than the loss of power. */
const LATE = { wal_writer_delay: "10s", checkpoint_timeout: "1h" };

const CASES: Readonly<Record<string, Case>> = {
  "loses no commit with fsync and synchronous_commit on": { settings: {}, kept: 5 },
  "loses commits with synchronous_commit off": { settings: { synchronous_commit: "off" }, kept: 0 },
  "loses commits with fsync off": { settings: { fsync: "off" }, kept: 0 },
};

const SLEEPING = "select from pg_stat_activity where wait_event = 'PgSleep'";

const compiled = await compileShim();

describe.skipIf(compiled.kind === "missing")(
  `a loss of power${compiled.kind === "missing" ? `: ${compiled.why}` : ""}`,
  () => {
    for (const [title, { settings, kept }] of Object.entries(CASES)) {
      test(title, async () => {
        await using stand = await createStand({ servers: 0, shim: true, settings: { ...LATE, ...settings } });
        const { primary } = stand;
        await primary.sql("create table fact (id int)");
        for (let id = 0; id < 5; id++) await primary.sql(`insert into fact values (${id})`);
        expect(await primary.sql("select count(*)::int as kept from fact")).toEqual([{ kept: 5 }]);

        await primary.stop("kill");
        const { reverted } = (await primary.shim?.losePower(primary.data)) ?? { reverted: 0 };
        expect(reverted).toBeGreaterThan(0);
        await primary.start();
        // The table may be lost too.
        const rows = await primary.sql("select count(*)::int as kept from fact").catch((error) => {
          expect(error).toMatchObject({ code: "42P01" });
          return [{ kept: 0 }];
        });
        expect(rows).toEqual([{ kept }]);
      });
    }

    test("takes what was written after the last sync, of which the disk may have kept any part", async () => {
      await using stand = await createStand({ servers: 0, shim: true });
      const { primary } = stand;
      await primary.sql("create table fact (id int)");
      for (let round = 0; round < 3; round++) {
        await primary.sql(`insert into fact select generate_series(1, 10000)`);
        const open = "begin; insert into fact select generate_series(1, 100000); select pg_sleep(60)";
        const under = primary.sql(open).catch(() => "cut off");
        await until(async () => (await primary.sql(SLEEPING)).length > 0);
        await primary.stop("kill");
        expect(await under).toBe("cut off");
        await primary.shim?.losePower(primary.data, (writes) => Math.floor((writes * round) / 2));
        await primary.start();
        expect(await primary.sql("select count(*)::int as kept from fact")).toEqual([{ kept: 10_000 * (round + 1) }]);
      }
    });
  },
);
