import { create, isMessage, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type ClaimRequest,
  ClaimRequestSchema,
  SessionRequestSchema,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { credentialsInvalid } from "../../../src/auth/credentials-invalid.ts";
import { KEY, seconds } from "./bundle.ts";
import { cancel, claim, codeOf, openStand, type StandOptions } from "./session-stand.ts";

const FINGERPRINT = { algorithm: "sha256", digest: new Uint8Array(32).fill(7) };
const LONG = "a".repeat(1_000_000);

/** A stand that notes what the method is given, and by whom. */
function noting(options: StandOptions = {}) {
  const requests: ClaimRequest[] = [];
  const traceparents: (string | undefined)[] = [];
  const stand = openStand({
    ...options,
    before: (endpoint) => {
      if (endpoint.kind !== "unary") return endpoint;
      const call: typeof endpoint.call = (request, context) => {
        if (isMessage(request, ClaimRequestSchema)) requests.push(request);
        traceparents.push(context.metadata("traceparent"));
        return endpoint.call(request, context);
      };
      return { ...endpoint, call };
    },
  });
  return { stand, requests, traceparents };
}

describe("what a call of a session keeps while it is open", () => {
  test("is nothing of the message that it came in, if it may wait", async () => {
    const { stand, requests } = noting();
    const call = claim({ wait: seconds(50), fingerprint: FINGERPRINT });
    const message = toBinary(SessionRequestSchema, create(SessionRequestSchema, { id: 1n, call }));
    await stand.send(message);
    expect(requests[0]?.fingerprint?.digest).toEqual(FINGERPRINT.digest);
    expect(requests[0]?.fingerprint?.digest.buffer).not.toBe(message.buffer);
    expect(requests[0]?.fingerprint?.digest.buffer.byteLength).toBe(32);
  });

  test("is no traceparent that is longer than any", async () => {
    const { stand, traceparents } = noting({ context: { metadata: () => "of the stream" } });
    const sent = ["", "x".repeat(256), "x".repeat(257), LONG];
    for (const [i, traceparent] of sent.entries()) {
      await stand.send({ id: BigInt(i + 1), traceparent, call: claim({ key: { ...KEY, key: `key-${i}` } }) });
    }
    expect(traceparents).toEqual(["of the stream", "x".repeat(256), "-", "-"]);
  });

  test("is bounded for claims with a wait, also of callers who are refused and read no answer", async () => {
    const authenticator = { authenticate: async () => Promise.reject(credentialsInvalid()) };
    const stand = openStand({ authenticator, limits: { callsMax: 5, waitBytesMax: 3_000_000 } });
    stand.line.isRead = false;
    const id = (i: number) => BigInt(i + 1);
    const call = claim({ wait: seconds(50) });
    // All of one turn: none is refused before the last has come.
    const sends = Array.from({ length: 20 }, (_, i) => () => stand.send({ id: id(i), traceparent: LONG, call }));
    const under = [];
    for (const send of sends) {
      if (stand.line.isPaused) break;
      under.push(send());
    }
    // Two wait for their refusal; of the others one is more than a million bytes.
    expect(under).toHaveLength(3);
    await Promise.all(under);
    expect(under.map((_, i) => codeOf(stand.answer(id(i))))).toEqual([16, 16, 16]);
  });
});

test("a cancel of a call that is not open keeps nothing, counts as nothing, and is answered nothing", async () => {
  const stand = openStand({ limits: { callsMax: 1, requestBytesMax: 1 } });
  for (let id = 1n; id < 50n; id++) await stand.send({ id, traceparent: LONG.slice(0, 1000), call: cancel });
  expect(stand.line.isPaused).toBe(false);
  expect(stand.line.sent).toHaveLength(1);
  expect(stand.told).toEqual(["opened"]);
});
