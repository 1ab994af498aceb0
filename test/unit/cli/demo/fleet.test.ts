import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { startFleet } from "../../../../src/cli/demo/fleet.ts";

/** Says something, and then does what the script says. */
const start = (script: string) => () => spawn(process.execPath, ["-e", `console.error("started");${script}`]);

const FOREVER = "setInterval(() => {}, 1000)";

function openFleet(script: string, size = 1) {
  const killed = Promise.withResolvers<number>();
  const failed = Promise.withResolvers<Error>();
  const deps = { name: "worker", size, start: start(script), onKilled: killed.resolve, onFailure: failed.resolve };
  return { fleet: startFleet(deps), killed: killed.promise, failed: failed.promise };
}

test("a process that was killed is reported and started again", async () => {
  const { fleet, killed } = openFleet(FOREVER, 2);
  const before = fleet.process(1);
  fleet.kill(1);
  expect(await killed).toBe(1);
  await new Promise(setImmediate);
  const after = fleet.process(1);
  expect(after?.pid).not.toBe(before?.pid);
  expect(before?.signalCode).toBe("SIGKILL");
  await fleet[Symbol.asyncDispose]();
});

test("a process that somebody else killed is started again too", async () => {
  const { fleet, killed } = openFleet(FOREVER);
  fleet.process(0)?.kill("SIGKILL");
  expect(await killed).toBe(0);
  await fleet[Symbol.asyncDispose]();
});

test("a process that ends by itself is a failure, with its last words", async () => {
  const { fleet, failed } = openFleet("process.exitCode = 3");
  const error = await failed;
  expect(error.message).toContain("worker 1 ended by itself (3)");
  await fleet[Symbol.asyncDispose]();
});

test("what cannot be started is a failure", async () => {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const fleet = startFleet({
    name: "server",
    size: 1,
    start: () => spawn("/does/not/exist"),
    onKilled: () => {},
    onFailure: resolve,
  });
  expect((await promise).message).toContain("server 1 could not be started: ");
  await fleet[Symbol.asyncDispose]();
});

test("disposing ends every process and reports none of them", async () => {
  const { fleet, killed, failed } = openFleet(FOREVER, 2);
  const children = [fleet.process(0), fleet.process(1)];
  const exits = children.map((child) => child && once(child, "exit"));
  await fleet[Symbol.asyncDispose]();
  await Promise.all(exits);
  expect(children.map((child) => child?.signalCode)).toEqual(["SIGKILL", "SIGKILL"]);
  expect(await Promise.race([killed, failed, Promise.resolve("nobody was told")])).toBe("nobody was told");
});
