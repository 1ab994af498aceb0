import { setTimeout as sleep } from "node:timers/promises";
import { openCallers } from "../calls.ts";
import type { Field, Row } from "../row.ts";
import type { StandPooler } from "../stand/pooler.ts";
import { findLost, startWitnesses, type Witnesses } from "../witness/acknowledged.ts";
import { slackMs } from "../witness/slack.ts";
import { spreadOf } from "../witness/spread.ts";

/**
 * PgBouncer is ended and started anew under load; then it lends one connection for all that the servers do, and is started
 * anew from that too. Callers may be told to come again, and are served in the end; nothing else goes wrong.
 */
export const restartPooler: Row = {
  id: "F24",
  fault: "PgBouncer is started anew, and lends a single connection",
  stand: { pooler: true },
  times: { short: null, full: 20 },
  unjudged: ["V5"],
  async inject(field) {
    const { stand, scope, recorder, figure, say, times } = field;
    const { pooler } = stand;
    if (pooler === null) throw new Error("bug: a pooler is needed");
    using callers = openCallers(recorder, "f24");
    const rpcs = stand.servers.map((server) => callers.open(server));
    const [reader] = rpcs;
    if (reader === undefined) throw new Error("bug: a server is needed");
    const own = `${scope}-witnesses`;
    const witnesses = startWitnesses({ rpcs, scope: own, callers: CALLERS });

    const [backMs, perSecond]: [number[], Rate] = [[], { many: 0, one: 0 }];
    perSecond.many = await rateOf(witnesses);
    for (let i = 1; i <= times; i++) {
      await recorder.during({ mark: "trouble" }, async () => {
        // Every other time it comes from a pool of one; started anew it has its settings again.
        if (i % 2 === 1) perSecond.one = await rateWithOne(pooler, witnesses);
        backMs.push(await restart(field, pooler));
      });
      say(`pooler started anew ${i} of ${times} times`);
      await witnesses.more(MORE);
    }
    await witnesses.stop();
    const { acknowledged, errors } = witnesses;
    const lost = await findLost(reader, own, acknowledged);
    const others = [...errors].filter(([name]) => !ALLOWED.has(name));
    for (const [name, count] of others) say(`${count} calls ended with ${name}`);
    figure({ name: "restarts of the pooler", value: backMs.length, unit: "", must: { atLeast: times } });
    figure({ name: "calls told to come again", value: sum(errors.values()), unit: "" });
    figure({
      name: "calls that ended otherwise",
      value: sum(others.map(([, count]) => count)),
      unit: "",
      must: { atMost: 0 },
    });
    figure({ name: "acknowledged and lost", value: lost.length, unit: "", must: { atMost: 0 } });
    figure({
      name: "all servers answer again, max",
      value: spreadOf(backMs).max,
      unit: "ms",
      must: { atMost: BACK_MS_MAX + slackMs(field) },
    });
    figure({ name: "completed through a pool of many", value: perSecond.many, unit: "per s" });
    figure({ name: "completed through a pool of one", value: perSecond.one, unit: "per s", must: { atLeast: 1 } });
  },
};

interface Rate {
  many: number;
  one: number;
}

const CALLERS = 12;
const MORE = 60;
const ALLOWED: ReadonlySet<string> = new Set(["Unavailable", "ResourceExhausted"]);
const BACK_MS_MAX = 5_000;
const ONE_MS = 2_000;

async function restart({ stand, load }: Field, pooler: StandPooler): Promise<number> {
  await pooler.restart();
  const fromMs = performance.now();
  const firsts = await Promise.all(stand.servers.map(({ name }) => load.firstSuccessAfter(fromMs, name)));
  return Math.max(...firsts) - fromMs;
}

async function rateWithOne(pooler: StandPooler, witnesses: Witnesses): Promise<number> {
  await pooler.command("set default_pool_size = 1");
  await pooler.command("reconnect");
  await sleep(ONE_MS);
  return rateOf(witnesses);
}

/** Records that are completed in a second. */
async function rateOf(witnesses: Witnesses): Promise<number> {
  const fromMs = performance.now();
  await witnesses.more(MORE);
  return (1000 * MORE) / (performance.now() - fromMs);
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}
