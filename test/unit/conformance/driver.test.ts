import { afterEach, expect, test } from "vitest";
import { withinMs } from "../../../conformance/bounds.ts";
import { type Driver, Refused, startDriver } from "../../../conformance/driver.ts";

const started: Driver[] = [];

/** A driver whose whole program is this. */
function start(program: string): Driver {
  const driver = startDriver({ name: "a driver", command: process.execPath, args: ["--eval", program] });
  started.push(driver);
  return driver;
}

/** Answers each request with what `answer` says of it. */
const answering = (answer: string) => `
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      const request = JSON.parse(line);
      process.stdout.write(JSON.stringify(${answer}) + "\\n");
    }
  });`;

afterEach(async () => {
  await Promise.all(started.splice(0).map((driver) => driver.kill()));
});

test("an answer is taken for the request of its id, also when it has what other readers take for the end of a line", async () => {
  const driver = start(answering("{ id: request.id, ok: { op: request.op, text: request.text } }"));
  const text = "one\u2028two\u2029three\u0085four\r";
  const answers = await Promise.all([driver.ask("first", { text }), driver.ask("second")]);
  expect(answers).toEqual([{ op: "first", text }, { op: "second" }]);
  expect(await driver.stop()).toBe(0);
});

test("an error is told with the driver's name, what was asked, and the error", async () => {
  const driver = start(answering(`{ id: request.id, error: { error: "Unsupported", reason: "", message: "no" } }`));
  const refusal = await driver.ask("dance").catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refused);
  expect(String(refusal)).toBe(
    'Refused: a driver answered dance with {"error":"Unsupported","reason":"","message":"no"}',
  );
  expect(await driver.answerOf("dance")).toMatchObject({ error: "Unsupported" });
});

test("a driver that dies is told with how, and the last that it said", async () => {
  const driver = start(`console.error("no such module"); console.log("what is this"); process.exitCode = 3;`);
  const story = /a driver has ended with 3; the last of what a driver said:.*no such module/s;
  await expect(driver.ask("hello")).rejects.toThrow(story);
  await expect(driver.ask("hello again")).rejects.toThrow(story);
  await expect(driver.ask("hello")).rejects.toThrow("what is this");
});

test("a driver that cannot be started is told with why", async () => {
  const driver = startDriver({ name: "nothing", command: "/no/such/program", args: [] });
  await expect(driver.ask("hello")).rejects.toThrow(/nothing has ended .*ENOENT/);
});

test("a killed driver is gone when that is said, and its open calls are", async () => {
  const driver = start(answering("{ id: -1 }"));
  const call = driver.begin("once", {});
  await driver.kill();
  expect(() => process.kill(driver.pid, 0)).toThrow("ESRCH");
  await expect(call.answer).rejects.toThrow("a driver has ended with SIGKILL");
});

test("an event is taken once, in its order, and not waited for when the call is over without it", async () => {
  const driver = start(
    answering(
      `{ id: request.id, ok: {} }).replace(/^/, JSON.stringify({ event: "wait", call: request.id, n: 1 }) + "\\n"`,
    ),
  );
  const call = driver.begin("wait-for", {});
  expect(await call.told({ event: "wait" })).toMatchObject({ n: 1 });
  await expect(call.told({ event: "wait" })).rejects.toThrow("a driver answered wait-for with {}");
});

test("nothing is waited for longer than its bound, and then it is said what", async () => {
  await expect(withinMs(new Promise(() => undefined), () => "nobody came", 5)).rejects.toThrow(
    "nobody came (after 5 ms)",
  );
});
