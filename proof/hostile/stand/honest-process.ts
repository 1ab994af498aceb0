import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { newClaimId, newKey } from "../../../test/process/callers.ts";
import { openSession } from "../../../test/process/session-caller.ts";
import { createCounting, type HonestWay } from "./counting.ts";

/**
 * Whoever does nothing wrong: claims, ends and replays, over gRPC, over Connect JSON and on a session, one call after
 * the other on each. A process of its own, so that it is not held up by what attacks.
 */
const { GRPC = "", HTTP = "", AUTHORIZATION = "" } = process.env;
const CALL_MS_MAX = 10_000;
/** Between two records: it is to be served, not to be a load. */
const PAUSE_MS = 20;

const withCredential: Interceptor = (next) => (request) => {
  request.header.set("authorization", AUTHORIZATION);
  return next(request);
};
const options = { interceptors: [withCredential], defaultTimeoutMs: CALL_MS_MAX };

type Claims = Pick<Client<typeof IdempotencyService>, "claim" | "complete">;

const ways: Readonly<Record<HonestWay, () => Claims>> = {
  gRPC: () => createClient(IdempotencyService, createGrpcTransport({ ...options, baseUrl: `http://${GRPC}` })),
  "Connect JSON": () =>
    createClient(
      IdempotencyService,
      createConnectTransport({ ...options, baseUrl: HTTP, httpVersion: "1.1", useBinaryFormat: false }),
    ),
  Session: sessionClaims,
};

const counting = createCounting(() => performance.now());

async function work(way: HonestWay): Promise<never> {
  const calls = ways[way]();
  const counted = async <T>(body: () => Promise<T>): Promise<T | null> => {
    const end = counting.begin(way);
    try {
      const answer = await body();
      end(null);
      return answer;
    } catch (error) {
      end(String(error).slice(0, 200));
      return null;
    }
  };
  for (;;) {
    const request = { key: newKey(), claimId: newClaimId() };
    const claimed = await counted(() => calls.claim(request));
    if (claimed?.detail.case === "acquired") {
      const handle = claimed.detail.value.lease?.handle;
      const result = { body: { case: "inline", value: Buffer.from(way) } } as const;
      await counted(() => calls.complete({ ...(handle && { handle }), result }));
      await counted(() => calls.claim(request));
    }
    await sleep(PAUSE_MS);
  }
}

/** One stream, opened again when it has ended. What was lost with it is a failure, as to any caller without retries. */
function sessionClaims(): Claims {
  let session = openSession(GRPC, { authorization: AUTHORIZATION });
  const call = async (name: "claim" | "complete", value: object) => {
    const deadline = new AbortController();
    const late = sleep(CALL_MS_MAX, null, { signal: deadline.signal }).catch(() => null);
    const answer = await Promise.race([session.call({ case: name, value } as never), late]);
    deadline.abort();
    if (answer?.case === name) return answer.value as never;
    if (answer === null) {
      session[Symbol.dispose]();
      session = openSession(GRPC, { authorization: AUTHORIZATION });
      throw new Error("the stream ended without an answer, or none came in time");
    }
    throw new Error(answer.case === "error" ? `${answer.value.code} ${answer.value.message}` : `${answer.case}`);
  };
  return {
    claim: (value: object) => call("claim", value),
    complete: (value: object) => call("complete", value),
  } as Claims;
}

process.on("message", () => process.send?.(counting.take()));
process.once("disconnect", () => process.exit());
for (const way of Object.keys(ways) as HonestWay[]) void work(way);
