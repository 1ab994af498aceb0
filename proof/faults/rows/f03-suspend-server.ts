import { setTimeout as pause } from "node:timers/promises";
import { openCallers } from "../calls.ts";
import { startHolderProcess } from "../load/holder-process.ts";
import { completeLate, HELD, type Lost, takeOver } from "../load/late.ts";
import type { Row } from "../row.ts";

const SUSPENDED_MS = { short: 3_000, full: 30_000 };

/**
 * Whoever was suspended does not know that time has passed. First a server, with ends of its callers in its sockets; then
 * a process that holds leases itself. Each time somebody else has taken over before they go on.
 */
export const suspendServer: Row = {
  id: "F03",
  fault: "SIGSTOP of a server, and of a process that holds leases, until others have taken over; then SIGCONT",
  times: { short: 1, full: 5 },
  async inject({ stand, recorder, scope, times, isFull, figure, historyFile, say }) {
    const [suspended, other] = stand.servers;
    if (suspended === undefined || other === undefined) throw new Error("bug: two servers are needed");
    using callers = openCallers(recorder, `${scope}-late`);
    const [late, taker] = [callers.open(suspended), callers.open(other)];
    const ms = isFull ? SUSPENDED_MS.full : SUSPENDED_MS.short;
    const lost: Lost[] = [];
    for (let round = 1; round <= times; round++) {
      const keys = HELD.map((n) => ({ scope, key: `late-${round}-${n}` }));
      await recorder.during({ mark: "server-down", server: suspended.address }, async () => {
        const held = await takeOver(late, keys);
        suspended.signal("SIGSTOP");
        const fromMs = performance.now();
        try {
          const ends = completeLate(late, held);
          await takeOver(taker, keys);
          await pause(fromMs + ms - performance.now());
          suspended.signal("SIGCONT");
          lost.push(await ends);
        } finally {
          suspended.signal("SIGCONT");
        }
      });
      const theirs = HELD.map((n) => ({ scope, key: `held-${round}-${n}` }));
      await using holder = await startHolderProcess(other.address, theirs, historyFile(`holder-${round}`));
      holder.signal("SIGSTOP");
      await takeOver(taker, theirs);
      holder.signal("SIGCONT");
      lost.push(await holder.completes());
      say(`${round} of ${times} suspended`);
    }
    const sum = (name: keyof Lost) => lost.reduce((total, each) => total + each[name], 0);
    figure({ name: "ends of superseded holders accepted", value: sum("accepted"), unit: "", must: { atMost: 0 } });
    const ends = 2 * times * HELD.length;
    figure({ name: "LEASE_SUPERSEDED", value: sum("superseded"), unit: "", must: { atLeast: ends } });
    figure({ name: "otherwise refused", value: sum("otherwise"), unit: "", must: { atMost: 0 } });
  },
  control: { kind: "mutant", mutant: "M3", fails: /figure: ends of superseded holders/ },
};
