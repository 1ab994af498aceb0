import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { closeWhatWasOnItsWay, endWithUs } from "../../../../src/server/workers/fork.ts";

/** What cluster sends connections by. */
function createChild() {
  const sent: (readonly unknown[])[] = [];
  const child = Object.assign(new EventEmitter(), {
    send: (...given: readonly unknown[]) => {
      sent.push(given);
      return true;
    },
  });
  closeWhatWasOnItsWay(child as unknown as Parameters<typeof closeWhatWasOnItsWay>[0]);
  return { child, sent };
}

function createHandle() {
  let closed = 0;
  return { close: () => void closed++, closed: () => closed };
}

test("a connection that was on its way to a worker when it died is closed, of each port the last", () => {
  const { child, sent } = createChild();
  const [earlier, grpc, http] = [createHandle(), createHandle(), createHandle()];
  child.send({ act: "newconn", key: "7400" }, earlier);
  child.send({ act: "newconn", key: "7400" }, grpc);
  child.send({ act: "newconn", key: "7401" }, http, undefined);
  child.send({ kind: "tell" });
  expect(sent).toHaveLength(4);
  expect(sent[2]).toEqual([{ act: "newconn", key: "7401" }, http, undefined]);
  child.emit("exit", null, "SIGKILL");
  expect([earlier, grpc, http].map(({ closed }) => closed())).toEqual([0, 1, 1]);
});

/** What would happen to a process that ends by itself happens to this one, but for its end. */
function emitted(event: "exit" | "uncaughtExceptionMonitor"): (...given: readonly unknown[]) => void {
  const [listener] = process.listeners(event as "exit").toReversed();
  return listener as (...given: readonly unknown[]) => void;
}

test("however many workers there are, one listener ends them with this process", () => {
  const before = process.listenerCount("exit");
  const killed: number[] = [];
  const leave = Array.from({ length: 12 }, (_, i) => endWithUs({ kill: () => killed.push(i) > 0 }));
  expect(process.listenerCount("exit")).toBe(before + 1);
  leave[3]?.();
  emitted("exit")(0);
  expect(killed).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const one of leave) one();
});

test("an error that nothing has caught ends this process alone: workers are left to drain", () => {
  const killed: number[] = [];
  const leave = endWithUs({ kill: () => killed.push(1) > 0 });
  emitted("uncaughtExceptionMonitor")(new Error("a bug"));
  emitted("exit")(1);
  expect(killed).toEqual([]);
  leave();
});
