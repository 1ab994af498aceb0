import { startLibraryUsers } from "../load/library.ts";
import type { Row } from "../row.ts";

const DRAIN_MS_MAX = 10_000;

/** Each server in turn is told to end, as by a deployment. Waits that it has are told to go on elsewhere, which V5 sees to. */
export const restartServers: Row = {
  id: "F02",
  fault: "SIGTERM of each server in turn, round after round",
  times: { short: 1, full: 20 },
  control: { kind: "mutant", mutant: "no-goaway", fails: /ended otherwise than with 0/ },
  async inject({ stand, load, recorder, scope, times, figure, say }) {
    const users = startLibraryUsers({ stand, recorder, scope });
    const drains: { readonly ms: number; readonly code: number | null }[] = [];
    for (let round = 1; round <= times; round++) {
      for (const server of stand.servers) {
        await recorder.during({ mark: "server-down", server: server.address }, async () => {
          drains.push(await server.stop());
          await server.start();
          await load.firstSuccessAfter(performance.now(), server.name);
        });
      }
      say(`${round} of ${times} rounds`);
    }
    await users.stop();
    const { failures, done, unanswered, begunAgain } = users;
    for (const failure of failures.slice(0, 3)) say(failure);
    figure({
      name: "servers drained",
      value: drains.length,
      unit: "",
      must: { atLeast: times * stand.servers.length },
    });
    figure({
      name: "ended otherwise than with 0",
      value: drains.filter(({ code }) => code !== 0).length,
      unit: "",
      must: { atMost: 0 },
    });
    figure({
      name: "slowest drain",
      value: Math.max(...drains.map(({ ms }) => ms)),
      unit: "ms",
      must: { atMost: DRAIN_MS_MAX },
    });
    figure({ name: "work done through the client", value: done, unit: "", must: { atLeast: 1 } });
    figure({ name: "its calls that were made again", value: unanswered, unit: "calls" });
    figure({ name: "its work that was begun twice", value: begunAgain, unit: "", must: { atMost: 0 } });
    figure({ name: "its work that failed", value: failures.length, unit: "", must: { atMost: 0 } });
  },
};
