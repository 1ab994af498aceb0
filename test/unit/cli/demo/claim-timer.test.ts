import { type DescMessage, type MessageInitShape, create as make } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient as createRpc, type Transport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ClaimResponseSchema, IdempotencyService } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { timeClaims } from "../../../../src/cli/demo/claim-timer.ts";
import type { Report } from "../../../../src/cli/demo/messages.ts";

type Detail = MessageInitShape<typeof ClaimResponseSchema>["detail"];

const SENT_MS = 1_000_000;
const ANSWERED_MS = 1_000_030;

/** What is told of a Claim call that takes 30 ms and is answered with this. */
async function told(detail: Detail): Promise<readonly Report[]> {
  const times = [SENT_MS, ANSWERED_MS];
  const reports: Report[] = [];
  const transport = {
    unary: async (method: { readonly output: DescMessage }) => ({
      ...{ stream: false, method, header: new Headers(), trailer: new Headers() },
      message: make(method.output, method.output === ClaimResponseSchema ? { detail } : {}),
    }),
    stream: () => Promise.reject(new Error("no streams here")),
  } as unknown as Transport;
  const wallMs = () => times.shift() ?? Number.NaN;
  const rpc = createRpc(
    IdempotencyService,
    timeClaims(transport, { wallMs, report: (report) => reports.push(report) }),
  );
  await rpc.claim({});
  await rpc.heartbeat({});
  return reports;
}

const before = timestampFromMs(SENT_MS - 1);
const meanwhile = { seconds: 1_000n, nanos: 28_750_000 };

test("a claim that is answered at once is timed from end to end", async () => {
  const answeredAtOnce = [{ kind: "claim", ms: 30 }];
  expect(await told({ case: "acquired", value: { lease: {} } })).toEqual(answeredAtOnce);
  expect(await told({ case: "acquired", value: { lease: { waited: { nanos: 0 } } } })).toEqual(answeredAtOnce);
  expect(await told({ case: "completed", value: { endTime: before } })).toEqual(answeredAtOnce);
  expect(await told({ case: "outcomeUnknown", value: { since: before } })).toEqual(answeredAtOnce);
  expect(await told({ case: "failed", value: { endTime: before } })).toEqual(answeredAtOnce);
  expect(await told({ case: "expired", value: { endTime: before } })).toEqual(answeredAtOnce);
});

test("of a claim that was sent before the record ended, what comes behind the end is told", async () => {
  expect(await told({ case: "completed", value: { endTime: meanwhile } })).toEqual([{ kind: "wake", ms: 1.25 }]);
});

test("a lease that was waited for is a promotion, and not timed", async () => {
  expect(await told({ case: "acquired", value: { lease: { waited: { nanos: 1_000 } } } })).toEqual([
    { kind: "promotion" },
  ]);
});

test("other waits are not timed", async () => {
  expect(await told({ case: "outcomeUnknown", value: { since: meanwhile } })).toEqual([]);
  expect(await told({ case: "inProgress", value: {} })).toEqual([]);
  expect(await told({ case: "retryScheduled", value: {} })).toEqual([]);
});
