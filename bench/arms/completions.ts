import { systemClock as clock } from "../../src/clock.ts";
import type { FinishCall } from "../../src/domain/calls.ts";
import type { Store } from "../../src/store/store.ts";
import { wakeId } from "../../src/waiting/wake-id.ts";
import { claimCall, completeCall } from "../calls.ts";
import type { BenchContext } from "../context.ts";
import { figure } from "../figures.ts";
import { interleave, ratios, throughput } from "../measure.ts";
import type { Section } from "../report.ts";
import { type OpenedStore, openPlainStore, openWaitingStore } from "../stores.ts";

const WIDTH = 512;
const RECORDS = 12_000;
/** Each with connections of its own: the lock of a NOTIFY is felt between servers. */
const SERVERS = 2;

const HOW = `
Completions a second through the stores of two servers in one process, ${WIDTH} callers; only the ends are timed. Where all are
waited for, every record is flagged, and told of after the commit; or else by a trigger that calls \`pg_notify\` for each in
the transaction that completes it. All but the first have a listener.`;

/**
 * What waiting costs those who complete. `without`: there is no waiting code. `nobody`: there is, and nobody waits.
 * `notified`: every record is flagged, and told of after the commit. `inTransaction`: the same by a trigger.
 */
export async function benchCompletions({ postgres, rounds }: BenchContext): Promise<Section> {
  const url = await postgres.database("completions");
  const triggered = await postgres.database("completions_trigger");
  await postgres.run(triggered, NOTIFY_IN_TRANSACTION);
  await using opened = new AsyncDisposableStack();
  const servers = async (open: () => Promise<OpenedStore>) => {
    const stores = await Promise.all(Array.from({ length: SERVERS }, open));
    return stores.map((each) => opened.use(each).store);
  };
  const without = await servers(() => openPlainStore(url));
  const waiting = await servers(() => openWaitingStore(url));
  const inTransaction = await servers(() => openPlainStore(triggered));
  opened.use(await openWaitingStore(triggered));
  const rates = await interleave(rounds, {
    without: () => completions(without, false),
    nobody: () => completions(waiting, false),
    notified: () => completions(waiting, true),
    inTransaction: () => completions(inTransaction, true),
  });
  const toNobody = ratios(rates.nobody, rates.without);
  const toNotified = ratios(rates.inTransaction, rates.notified);
  return {
    id: "completions",
    title: "What waiting costs a completion",
    how: HOW.trim(),
    figures: [
      figure("without", "without the waiting code", "calls/s", rates.without),
      figure("nobody", "with it, nobody waits", "calls/s", rates.nobody),
      figure("notified", "all waited for, NOTIFY after the commit", "calls/s", rates.notified),
      figure("in-transaction", "all waited for, NOTIFY in the transaction", "calls/s", rates.inTransaction),
      figure("nobody-to-without", "nobody waits ÷ without the waiting code", "×", toNobody, { atLeast: 0.97 }),
      figure("in-transaction-to-notified", "NOTIFY in the transaction ÷ after the commit", "×", toNotified),
    ],
  };
}

let keys = 0;

/** Only the ends are timed. */
async function completions(servers: readonly Store[], isFlagged: boolean): Promise<number> {
  const ends: FinishCall[] = [];
  const serverOf = (i: number) => servers[i % servers.length] as Store;
  await throughput(RECORDS, WIDTH, async (i) => {
    const store = serverOf(i);
    const end = completeCall(await store.claim(claimCall(`waited-${keys++}`), Number.POSITIVE_INFINITY));
    ends.push(end);
    const asRead = { key: end.key, state: "in-progress", fence: end.proof.fence } as const;
    if (isFlagged) await store.watch(asRead, Number.POSITIVE_INFINITY);
  });
  const figure = await throughput(RECORDS, WIDTH, (i) =>
    serverOf(i).finish(ends[i] as FinishCall, Number.POSITIVE_INFINITY),
  );
  // What was collected is sent before the next arm begins.
  await clock.sleep(SETTLE_MS);
  return figure;
}

const SETTLE_MS = 50;

/** The payload is as long as a wake id. */
const NOTIFY_IN_TRANSACTION = `
  create function holdfast.tell() returns trigger language plpgsql as $$
  begin
    perform pg_notify('holdfast', left(encode(sha256(convert_to(new.key, 'utf8')), 'hex'), ${wakeId({ tenant: "", scope: "", key: "" }).length}));
    return null;
  end $$;
  create trigger tell after update on holdfast.record for each row
    when (old.state = 1 and new.state = 3 and new.has_waiters) execute function holdfast.tell()`;
