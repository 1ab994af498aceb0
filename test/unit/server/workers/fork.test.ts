import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { closeWhatWasOnItsWay } from "../../../../src/server/workers/fork.ts";

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
