import { describe, expect, test } from "vitest";
import { type Hooks, outcomeUnknown, retryable } from "../../../src/client/client.ts";
import { unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

/** Every hook, and what it is told, in order. */
function listening() {
  const told: (readonly [name: string, event: object])[] = [];
  const names = ["onCall", "onClaim", "onReplay", "onWorkEnd", "onLeaseLost", "onUnprotected", "onBreaker"] as const;
  const hooks = Object.fromEntries(names.map((name) => [name, (event: object) => told.push([name, event])])) as Hooks;
  return { told, hooks, of: (wanted: string) => told.filter(([name]) => name === wanted).map(([, event]) => event) };
}

const record = { scope: job.scope, key: job.key };

describe("hooks", () => {
  test("are told of a call, a claim, the end of the work, and a replay", async () => {
    const { server, clock } = start();
    const { told, hooks } = listening();
    const holdfast = server.client({ hooks });
    await clock.until(holdfast.once(job, () => clock.sleep(40, new AbortController().signal)));
    await holdfast.once(job, () => undefined);
    const call = { code: 0, reason: "", tookMs: 0 };
    expect(told).toEqual([
      ["onCall", { ...call, method: "Claim" }],
      ["onClaim", { ...record, outcome: "acquired", reason: "new", tookMs: 0 }],
      ["onCall", { ...call, method: "Complete" }],
      ["onWorkEnd", { ...record, end: "completed", attempt: 1, tookMs: 40 }],
      ["onCall", { ...call, method: "Claim" }],
      ["onClaim", { ...record, outcome: "completed", reason: undefined, tookMs: 0 }],
      ["onReplay", { ...record, attempt: 1, source: "server" }],
    ]);
  });

  test.each([
    ["retryable", retryable("no")],
    ["outcome-unknown", outcomeUnknown("no")],
  ] as const)("are told that the work ended %s", async (end, error) => {
    const { server } = start();
    const { of, hooks } = listening();
    await thrown(server.client({ hooks }).once(job, () => Promise.reject(error)));
    expect(of("onWorkEnd")).toMatchObject([{ end, attempt: 1 }]);
  });

  test("are told of each try that failed, of the breaker, and of an end that is not known to be stored", async () => {
    const { server, clock } = start();
    const { of, hooks } = listening();
    server.meddle = async (call, pass) => {
      if (call.method === "complete") throw unavailable();
      return pass();
    };
    const holdfast = server.client({ hooks, breaker: { failures: 2 } });
    await thrown(clock.until(holdfast.once(job, () => 1)));
    const [, complete] = of("onCall");
    expect(complete).toEqual({ method: "Complete", code: 14, reason: "", tookMs: 0 });
    expect(of("onBreaker")[0]).toEqual({ from: "closed", to: "open" });
    expect(of("onWorkEnd")).toMatchObject([{ end: "unstored" }]);
  });

  test("are told of a lease that is lost, and why", async () => {
    const { server, clock } = start();
    const { of, hooks } = listening();
    const holdfast = server.client({ hooks, retry: { totalTimeoutMs: 1_000 } });
    const running = holdfast.once(
      { ...job, leaseMs: 3_000 },
      ({ signal }) =>
        new Promise<number>((resolve) => {
          signal.addEventListener("abort", () => resolve(1));
        }),
    );
    await settle();
    server.meddle = () => Promise.reject(unavailable());
    await thrown(clock.until(running));
    expect(of("onLeaseLost")).toEqual([{ ...record, why: "expired" }]);
  });

  test.each<[string, Hooks]>([
    [
      "throw",
      {
        onCall: () => {
          throw new Error("secret");
        },
      },
    ],
    ["reject", { onCall: (() => Promise.reject(new Error("secret"))) as never }],
  ])("that %s are a warning, and the call goes on", async (_, hooks) => {
    const { server } = start();
    const holdfast = server.client({ hooks });
    expect((await holdfast.once(job, () => 1)).value).toBe(1);
    await settle();
    expect(server.warnings).toMatchObject([
      { kind: "hook-failed", error: { name: "HookFailedError", message: "the hook onCall has thrown" } },
      { kind: "hook-failed" },
    ]);
    expect(JSON.stringify(server.warnings)).not.toContain("secret");
  });

  test("may be methods of an object that they need", async () => {
    const { server } = start();
    class Counter implements Hooks {
      #claims = 0;
      onClaim(): void {
        this.#claims++;
      }
      get claims(): number {
        return this.#claims;
      }
    }
    const counter = new Counter();
    await server.client({ hooks: counter }).once(job, () => 1);
    expect(counter.claims).toBe(1);
  });
});
