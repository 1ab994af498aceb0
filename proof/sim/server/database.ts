import type { Database } from "../../../src/store/postgres/database.ts";
import { createEpoch, type Epoch } from "../../../src/store/postgres/epoch.ts";
import { createLanes, type Lanes } from "../../../src/store/postgres/lanes.ts";
import type { Process } from "../time.ts";
import type { ServerDeps } from "./server.ts";

export interface DatabaseDeps extends ServerDeps {
  readonly process: Process;
  readonly epochOf: (epoch: Epoch) => Epoch;
}

/** `createDatabase` with sessions of the simulated cluster: all that it leaves out is the driver. */
export function openDatabase({ time, cluster, process, name, epochOf }: DatabaseDeps): Database {
  const epoch = epochOf(createEpoch());
  const groups: Lanes[] = [];
  const needed: Lanes[] = [];
  return {
    lanes(count, { atOnce = 1, optional = false, waitingMax } = {}) {
      const group = groups.length;
      let opened = 0;
      const lanes = createLanes({
        ...{ count, atOnce, epoch, clock: process.clock, random: time.random },
        open: () => cluster.connect(process, `${name} lane ${group}.${opened++}`),
        waitingMax: waitingMax ?? null,
      });
      groups.push(lanes);
      if (!optional) needed.push(lanes);
      return lanes;
    },
    async opened() {
      await Promise.all(groups.map((group) => group.opened()));
    },
    status() {
      const all = groups.map((group) => group.status());
      const sum = (part: "lanes" | "open" | "busy") => all.reduce((total, status) => total + status[part], 0);
      return {
        reachable: needed.every((group) => group.status().open > 0),
        lanes: sum("lanes"),
        open: sum("open"),
        busy: sum("busy"),
        trouble: null,
      };
    },
    async close() {
      await Promise.all(groups.map((group) => group.close()));
    },
  };
}
