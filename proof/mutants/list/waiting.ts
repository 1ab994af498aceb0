import { contract, every, postgres, SIMULATED, seeds, unit } from "../checks.ts";
import type { Mutant } from "../mutant.ts";

const MISSED = "waiting/no-missed-wakeup.test.ts";

/** Who waits, and is not told. */
export const WAITING: readonly Mutant[] = [
  {
    id: "M5",
    name: "registers its waiters only when the record has been read",
    patches: [
      {
        file: "src/waiting/entry.ts",
        find: "  let isBusy = false;\n",
        replace: "  let isBusy = false;\n  let isReading = false;\n",
      },
      {
        file: "src/waiting/entry.ts",
        find: "  const ring = (by: WakePath) => {\n",
        replace: "  const ring = (by: WakePath) => {\n    if (isReading) return;\n",
      },
      {
        file: "src/waiting/entry.ts",
        find: "      const news = await store.peek(key, Number.POSITIVE_INFINITY);\n",
        replace: `      isReading = true;
      const news = await store.peek(key, Number.POSITIVE_INFINITY).finally(() => {
        isReading = false;
      });
`,
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-faults.test.ts",
        "a notification that comes while the record is being read makes it be read once",
        /expected \[ 'in-progress' \] to deeply equal \[ 'in-progress', 'completed' \]/,
      ),
      seeds("brief", 300, SIMULATED.waiting),
    ],
  },
  {
    id: "M6",
    name: "flags a record whatever has become of it since it was read",
    patches: [
      {
        file: "src/store/postgres/watch.sql",
        find: `      and k.state in (1, 2, 5)
      and k.state = c.state
      and k.fence = c.fence
      and not k.has_waiters`,
        replace: "      and not k.has_waiters",
      },
    ],
    killedBy: [
      contract("is not set on a record that is absent or ended", /expected true to be false/),
      every("the flag of those who wait is set on what is open", /^\+ .*"hasWaiters": true/),
      postgres(
        "race",
        MISSED,
        "nobody misses an end when the end commits between the read and the flag",
        /expected [1-9]\d* to be \+0/,
      ),
    ],
  },
  {
    id: "M7",
    name: "notifies before the end has committed",
    patches: [
      {
        file: "src/waiting/waking-store.ts",
        find: `      const answer = await store.finish(call, deadline);
      if (answer.kind === "ended") wake(call.key, answer.hasWaiters);
      return answer;`,
        replace: `      wake(call.key, true);
      return store.finish(call, deadline);`,
      },
    ],
    killedBy: [
      unit(
        "waiting/waking-store.test.ts",
        "nobody is woken before the change is durable",
        /to deeply equal \[ \[\], \[\] \]/,
      ),
      postgres(
        "race",
        MISSED,
        "nobody misses an end when the read sees another server's flag",
        /expected [1-9]\d* to be \+0/,
      ),
      seeds("any", 100, SIMULATED.waiting),
    ],
  },
  {
    id: "M8",
    name: "does not read again when it listens again",
    patches: [
      {
        file: "src/waiting/hub.ts",
        find: '      for (const entry of entries.values()) entry.ring("polled");',
        replace: '      if (!listens) for (const entry of entries.values()) entry.ring("polled");',
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-faults.test.ts",
        "an end that was told while nobody listened is found when the listener is back",
        /expected \[ 'in-progress' \] to deeply equal \[ 'in-progress', 'completed' \]/,
      ),
    ],
  },
  {
    id: "herd",
    name: "lets each of those who wait claim what was released, and not the oldest alone",
    patches: [{ file: "src/waiting/entry.ts", find: "    claimants.clear();\n    owners.clear();\n", replace: "" }],
    killedBy: [
      unit(
        "operations/waiting-claim-promotion.test.ts",
        "by one claim, however many wait > retryable",
        /expected 20 to be 1 /,
      ),
    ],
  },
  {
    id: "no-local-wake",
    name: "does not wake its own waiters",
    patches: [{ file: "src/waiting/waking-store.ts", find: "    hub.wake(key);\n", replace: "" }],
    killedBy: [
      unit(
        "waiting/waking-store.test.ts",
        "complete > wakes this server",
        /expected \[\] to deeply equal \[ \{ tenant: 'default',/,
      ),
      seeds("any", 120, SIMULATED.waiting),
    ],
  },
  {
    id: "no-notify",
    name: "notifies nobody of what is flagged",
    patches: [
      {
        file: "src/waiting/waking-store.ts",
        find: "    if (isFlagged) notifier.notify(wakeId(key));\n",
        replace: "    void [isFlagged, notifier, wakeId];\n",
      },
    ],
    killedBy: [
      unit("waiting/waking-store.test.ts", "complete > wakes this server", /expected \[\] to deeply equal \[ '\S+' \]/),
      seeds("any", 100, SIMULATED.waiting),
    ],
  },
  {
    id: "no-backstop",
    name: "never reads again what nobody says has changed",
    patches: [
      {
        file: "src/waiting/hub.ts",
        find: "      for (const entry of entries.values()) entry.ringIfOlder(olderMs);\n",
        replace: "      void olderMs;\n",
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-faults.test.ts",
        "nobody waits longer than a period and a fifth, jitter 0.5",
        /expected Infinity to be less than or equal to 1200/,
      ),
      seeds("any", 120, SIMULATED.waiting),
    ],
  },
  {
    id: "no-timer",
    name: "has no timer for the end of a lease or a delay",
    patches: [
      {
        file: "src/waiting/entry.ts",
        find: "    if (!(await alarm.rest(msUntilDue(news) - (clock.monotonicMs() - readAtMs)))) return;",
        replace: "    if (!(await alarm.rest(Number.POSITIVE_INFINITY + 0 * (msUntilDue(news) - readAtMs)))) return;",
      },
    ],
    killedBy: [
      unit("waiting/hub.test.ts", "end is looked at 50 ms after it, and not before", /expected 1 to be 2 /),
      seeds("any", 120, SIMULATED.unexplained),
    ],
  },
  {
    id: "no-probe",
    name: "takes a listener for alive until its connection says otherwise",
    patches: [
      {
        file: "src/waiting/postgres/listener.ts",
        find: "      await clock.sleep(PROBE_INTERVAL_MS, ended.signal);",
        replace: "      await clock.sleep(1_000_000 * PROBE_INTERVAL_MS, ended.signal);",
      },
    ],
    killedBy: [
      unit(
        "waiting/listener.test.ts",
        "a probe that is 2 s overdue ends the session and begins another",
        /expected \[ true \] to deeply equal \[ true, false \]/,
      ),
    ],
  },
  {
    id: "no-drain",
    name: "shuts down and tells none of those who wait",
    patches: [
      {
        file: "src/waiting/hub.ts",
        find: "      for (const entry of [...entries.values()]) entry.dismiss();\n",
        replace: "",
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-limits.test.ts",
        "a drain dismisses all and admits nobody any more",
        /expected false to be true/,
      ),
    ],
  },
  {
    id: "no-goaway",
    name: "shuts down and tells none of its connections",
    patches: [
      {
        file: "src/server/grpc.ts",
        find: 'import type { DescService } from "@bufbuild/protobuf";\n',
        replace:
          'import { Server as NetServer } from "node:net";\nimport type { DescService } from "@bufbuild/protobuf";\n',
      },
      {
        file: "src/server/grpc.ts",
        find: "      return shutDown(server).finally(dispose);",
        replace: `      const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<NetServer, unknown> };
      const ended = [...http2Servers.keys()].map((http2Server) => {
        return new Promise((resolve) => NetServer.prototype.close.call(http2Server, resolve));
      });
      return Promise.all(ended).then(dispose);`,
      },
    ],
    killedBy: [
      {
        ...{ kind: "vitest", layer: "process", project: "process", file: "test/process/drain.test.ts" },
        ...{
          test: "SIGTERM loses no call that is in flight, and the server ends with 0",
          shows: /expected \{ code: [^+]/,
        },
      },
    ],
    note: "The control of the row F02 of proof/faults.",
  },
  {
    id: "no-waiter-limit",
    name: "lets a tenant have as many waiters as it likes",
    patches: [
      {
        file: "src/waiting/hub.ts",
        find: "      if (admitted.of(id) + waiters > max) {",
        replace: "      if (admitted.of(id) + waiters > max + 1_000_000) {",
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-limits.test.ts",
        "a tenant may have so many waiting calls on a server, and not one more",
        /expected function to throw an error, but it didn't/,
      ),
    ],
  },
  {
    id: "shared-waiter-limit",
    name: "counts the waiters of all tenants together",
    patches: [
      {
        file: "src/waiting/hub.ts",
        find: "      if (admitted.of(id) + waiters > max) {",
        replace: "      if (admitted.size + waiters > max) {",
      },
    ],
    killedBy: [
      unit(
        "waiting/hub-limits.test.ts",
        "a tenant may have so many waiting calls on a server, and not one more",
        /Fault: a tenant may have 2 waiters here/,
      ),
    ],
  },
];
