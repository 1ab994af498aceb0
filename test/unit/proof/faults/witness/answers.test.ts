import { setImmediate as turn } from "node:timers/promises";
import { Code, ConnectError, createClient, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { IdempotencyService } from "../../../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Acknowledged, findLost, startWitnesses } from "../../../../../proof/faults/witness/acknowledged.ts";
import { openLostClaim, openLostEnd } from "../../../../../proof/faults/witness/lost-answer.ts";
import { persist } from "../../../../../proof/faults/witness/persist.ts";
import { slackMs } from "../../../../../proof/faults/witness/slack.ts";

const TOKEN = Buffer.alloc(16, 1);
const KEY = { scope: "s", key: "k" };

/** A service of which only these calls are there. */
function rpcOf(handlers: Partial<ServiceImpl<typeof IdempotencyService>>) {
  return createClient(
    IdempotencyService,
    createRouterTransport(({ service }) => service(IdempotencyService, handlers)),
  );
}

const acquired = (fence: bigint, token: Uint8Array = TOKEN) => ({
  detail: { case: "acquired" as const, value: { lease: { handle: { key: KEY, fence, token }, fence } } },
});

test("a call is made again until it is answered, and each of its errors is told", async () => {
  const errors = [new ConnectError("", Code.Unavailable), new ConnectError("", Code.ResourceExhausted)];
  const told: unknown[] = [];
  const call = () => (errors.length > 0 ? Promise.reject(errors.shift()) : Promise.resolve("done"));
  expect(await persist(call, (error) => told.push(ConnectError.from(error).code))).toBe("done");
  expect(told).toEqual([Code.Unavailable, Code.ResourceExhausted]);
});

test("what no repeat would mend is not repeated", async () => {
  const told: unknown[] = [];
  const refused = new ConnectError("", Code.FailedPrecondition);
  await expect(
    persist(
      () => Promise.reject(refused),
      (error) => told.push(error),
    ),
  ).rejects.toBe(refused);
  expect(told).toEqual([refused]);
});

test("a result that is not there any more is lost, and so is one that is another", async () => {
  const results: Readonly<Record<string, string>> = { there: "there", changed: "other" };
  const rpc = rpcOf({
    getRecord({ key }) {
      const text = results[key?.key ?? ""];
      if (text === undefined) throw new ConnectError("", Code.NotFound);
      return { result: { body: { case: "inline" as const, value: Buffer.from(text) } } };
    },
  });
  const all = ["there", "changed", "gone"].map((key): Acknowledged => ({ key, text: key, atMs: 0 }));
  expect((await findLost(rpc, "s", all)).map(({ key }) => key).sort()).toEqual(["changed", "gone"]);
});

test("witnesses remember what was acknowledged only, and count the errors of everything else", async () => {
  let ends = 0;
  const rpc = rpcOf({
    async claim() {
      await turn(); // As over a network: else nobody else would have his turn.
      return acquired(1n);
    },
    complete() {
      ends++;
      if (ends === 1) throw new ConnectError("", Code.FailedPrecondition);
      if (ends === 2) throw new ConnectError("", Code.Unavailable);
      return {};
    },
  });
  const witnesses = startWitnesses({ rpcs: [rpc], scope: "s", callers: 1 });
  await witnesses.more(2);
  await witnesses.stop();
  expect(Object.fromEntries(witnesses.errors)).toEqual({ FailedPrecondition: 1, Unavailable: 1 });
  expect(witnesses.acknowledged.map(({ key }) => key)).not.toContain("caller-0-1");
});

const COMPLETED = { state: 3, claimId: "", token: "", fence: 1n };

test.each([
  { alreadyApplied: true, leaves: true, agrees: true },
  { alreadyApplied: false, leaves: true, agrees: false },
  { alreadyApplied: false, leaves: false, agrees: true },
])(
  "an end whose answer was lost and whose caller repeats it ($leaves) agrees with already_applied $alreadyApplied: $agrees",
  async ({ alreadyApplied, leaves, agrees }) => {
    const here = rpcOf({ claim: () => acquired(1n), complete: () => ({ alreadyApplied }) });
    const trial = await openLostEnd({ key: KEY, here, again: here, leaves });
    trial.send();
    trial.leave();
    const told = await trial.told();
    expect(told.byServer).toBe(!leaves);
    expect(told.agreesWith(COMPLETED)).toBe(agrees);
    expect(trial.hasEffect(COMPLETED)).toBe(true);
    expect(trial.hasEffect({ ...COMPLETED, state: 1 })).toBe(false);
  },
);

test.each([
  ["the same lease", acquired(5n), true],
  ["a lease with another fence", acquired(6n), false],
  ["a lease with another token", acquired(5n, Buffer.alloc(16, 2)), false],
  ["no lease", { detail: { case: "inProgress" as const, value: {} } }, false],
])("a claim whose answer was lost and that is told %s agrees with what has happened: %s", async (_, answer, agrees) => {
  const answers = [acquired(4n)];
  const here = rpcOf({ claim: () => answers.shift() ?? answer, fail: () => ({}) });
  const trial = await openLostClaim({ key: KEY, here, again: here, leaves: false });
  trial.send();
  const told = await trial.told();
  const effect = { state: 1, claimId: "", token: TOKEN.toString("hex"), fence: 5n };
  expect(told.agreesWith(effect)).toBe(agrees);
  expect(trial.hasEffect(effect)).toBe(false);
});

test("a machine is given ten of its slow calls", () => {
  const load = { latencies: () => ({ p99Ms: 12.34 }) };
  const field = { load, baseline: { fromMs: 0, toMs: 1 } } as unknown as Parameters<typeof slackMs>[0];
  expect(slackMs(field)).toBe(124);
});
