import { EventEmitter, once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { createProcessIo } from "../../../src/cli/process-io.ts";

/** A process whose streams can be looked at; terminals where it is said. */
function fakeProcess(terminals: { readonly stdin?: true; readonly stderr?: true } = {}) {
  const stream = (isTTY: boolean) =>
    Object.assign(new PassThrough({ highWaterMark: 10 }), isTTY && { isTTY, columns: 80 });
  const own = Object.assign(new EventEmitter(), {
    ...{ stdin: stream(terminals.stdin === true), stdout: stream(false), stderr: stream(terminals.stderr === true) },
    env: {},
  });
  return { ...own, own, io: createProcessIo(own as unknown as NodeJS.Process) };
}

test("waits for output that nobody has read, and not when somebody has", async () => {
  const { io, own } = fakeProcess();
  await io.drained?.();
  io.out("more than ten bytes");
  let isDrained = false;
  const drained = io.drained?.().then(() => {
    isDrained = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDrained).toBe(false);
  own.stdout.resume();
  await drained;
  expect(own.stdout.listenerCount("drain")).toBe(0);
});

test("does not wait for a reader who has gone", async () => {
  const { io, own } = fakeProcess();
  io.out("more than ten bytes");
  const drained = io.drained?.();
  own.stdout.destroy();
  await drained;
  await io.drained?.();
});

test("tells of signals and of a reader who goes, as long as somebody listens", () => {
  const { io, own } = fakeProcess();
  const told: string[] = [];
  const unlisten = io.onEnding?.((why) => void told.push(why));
  own.emit("SIGINT", "SIGINT");
  own.emit("SIGTERM", "SIGTERM");
  own.stdout.emit("error", Object.assign(new Error("gone"), { code: "EPIPE" }));
  unlisten?.();
  own.emit("SIGINT", "SIGINT");
  expect(told).toEqual(["SIGINT", "SIGTERM", "closed"]);
  expect(own.listenerCount("SIGINT")).toBe(0);
});

test("asks on a terminal only, and takes its end for an answer", async () => {
  expect(fakeProcess().io.ask).toBeUndefined();
  const { io, own } = fakeProcess({ stdin: true });
  const never = new AbortController().signal;
  const asked = io.ask?.("Sure? ", never);
  own.stdin.write("yes\n");
  expect(await asked).toBe("yes");
  const again = fakeProcess({ stdin: true });
  const ended = again.io.ask?.("Sure? ", never);
  await once(again.own.stderr, "data");
  again.own.stdin.end();
  expect(await ended).toBe("");
});

test("shows progress on a terminal only, and clears it for what is said next", async () => {
  expect(fakeProcess().io.progress).toBeUndefined();
  const { io, own } = fakeProcess({ stderr: true });
  io.progress?.("1 of 2");
  io.error("done\n");
  io.error("more\n");
  own.stderr.end();
  expect(await text(own.stderr)).toBe("\r\u001b[2K1 of 2\r\u001b[2Kdone\nmore\n");
});
