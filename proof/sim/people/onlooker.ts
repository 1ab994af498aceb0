import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { visible } from "../../../src/operations/derive.ts";
import type { WaitForEvent, WaitForInput } from "../../../src/operations/wait-for.ts";
import { nameOf } from "../judge/judge.ts";
import { sameRecord } from "../judge/same.ts";
import { knownOf, type Wait } from "../judge/waits.ts";
import type { World } from "../world.ts";
import type { Life, Self } from "./person.ts";
import { NO_FINGERPRINT } from "./phone.ts";

/** What is told of one record to whoever waits for it. */
type Told = Exclude<WaitForEvent["event"], { readonly kind: "keep-alive" | "finish" }>;

interface Target {
  readonly key: RecordKey;
  /** Of the version that was told last: none older follows. */
  index: number;
}

/** An open record may be shown as it was so long before the call: that it is flagged says that more would be told. */
const STALE_MS_MAX = 15_000;

/** Waits for records, now on one server and now on another. */
export const onlooker: Life = async (self) => {
  await self.rest(0, 800);
  while (!self.world.isClosing) {
    await lookOn(self);
    await self.rest(0, 300);
  }
};

async function lookOn(self: Self): Promise<void> {
  const { world, line, process } = self;
  const { time, weather } = world;
  const keys = [...new Set(Array.from({ length: time.whole(1, 3) }, () => self.anyKey()))];
  const targets = keys.map((key): Target => ({ key, index: 0 }));
  const isSlow = time.chance(0.2);
  const leavesMs = time.chance(0.2) ? time.nowMs() + time.between(100, 2_000) : Number.POSITIVE_INFINITY;
  const sentMs = time.nowMs();
  const input: WaitForInput = {
    targets: keys.map((key) => ({ key, fingerprint: NO_FINGERPRINT })),
    mode: time.chance(0.5) ? "all" : "any",
    timeoutMs: weather.name === "deaf" ? 25_000 : time.pick([1_000, 4_000, 10_000]),
    keepAliveMs: 5_000,
    mustExist: time.chance(0.1),
  };
  const take = async ({ index, event }: WaitForEvent): Promise<"more" | "enough"> => {
    const target = targets[index];
    if (event.kind === "finish") self.tell(`hears that it is over: ${event.reason}`);
    else if (event.kind !== "keep-alive" && target !== undefined) {
      self.tell(`hears of ${nameOf(target.key)}: ${event.kind}`);
      examine(world, process.name, target, event, sentMs);
    }
    if (isSlow) await self.sleep(time.between(0, 400));
    return time.nowMs() > leavesMs ? "enough" : "more";
  };
  const server = self.anyServer();
  await line.stream(
    server,
    `tell of ${keys.map(nameOf).join(" and ")}: ${input.mode}, for ${input.timeoutMs} ms`,
    (app, caller) => {
      const events = app.waitFor(caller, input);
      // A slow reader is told the newest when it asks: so long nobody can say that it waits.
      return isSlow
        ? events
        : overseen(world, { who: process.name, server: server.name }, keys, events, caller.context.signal);
    },
    take,
  );
}

function examine({ judge, time }: World, who: string, target: Target, event: Told, sentMs: number): void {
  // Of a record that is gone this shows what was before.
  if (event.kind === "lease-changed" && event.change === "released") return;
  const record = recordOf(event);
  const sinceMs = event.kind === "ended" ? sentMs : sentMs - STALE_MS_MAX;
  const found = judge
    .window(target.key, sinceMs, time.nowMs())
    .find((version) => version.index >= target.index && shows(version.record, record));
  if (found === undefined) {
    judge.accuse(`${nameOf(target.key)}: ${who} hears ${event.kind} of what was not so any more`);
    return;
  }
  target.index = found.index;
  if (event.kind === "ended") judge.acknowledge(target.key, found);
}

function recordOf(event: Told): StoredRecord | null {
  return event.kind === "snapshot" ? (event.seen?.record ?? null) : event.record;
}

/** As it is, or as an expired one is shown. One that is forgotten is shown as none. */
function shows(version: StoredRecord | null, told: StoredRecord | null): boolean {
  if (version === null || told === null) return told === null && (version === null || version.endTime !== null);
  return sameRecord(version, told) || sameRecord(visible(version, Number.POSITIVE_INFINITY), told);
}

/** On the server's side: notes who waits for what, and what of it has been told. */
async function* overseen(
  { waits, time }: World,
  at: Pick<Wait, "who" | "server">,
  keys: readonly RecordKey[],
  events: AsyncGenerator<WaitForEvent, void>,
  signal: AbortSignal,
): AsyncGenerator<WaitForEvent, void> {
  const sinceMs = time.nowMs();
  const waiting = keys.map((key): Wait & { by: "onlooker" } => ({
    by: "onlooker",
    ...at,
    key,
    sinceMs,
    knows: undefined,
  }));
  for (const wait of waiting) waits.begin(wait);
  const leave = () => {
    for (const wait of waiting) waits.end(wait);
  };
  signal.addEventListener("abort", leave);
  try {
    for await (const told of events) {
      const wait = waiting[told.index];
      const { event } = told;
      if (event.kind === "finish") leave();
      else if (event.kind !== "keep-alive" && wait !== undefined) {
        wait.knows = knownOf(recordOf(event));
        if (event.kind === "ended") waits.end(wait);
      }
      yield told;
    }
  } finally {
    leave();
  }
}
