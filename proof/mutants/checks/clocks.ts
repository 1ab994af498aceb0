import { randomUUID } from "node:crypto";
import { ClaimOutcome, IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { grpcCaller } from "../../../test/process/callers.ts";
import { startServer } from "../../../test/process/server.ts";
import { check } from "./stand.ts";

/**
 * A lease through one server, claimed by somebody else through another whose machine's clock is an hour ahead: only a
 * server that looks at that clock knows of it, and no server does.
 */

const CLOCK_STEP_MS = 3_600_000;

await check({}, async ({ url: databaseUrl }) => {
  await using punctual = await startServer({ databaseUrl });
  await using ahead = await startServer({ databaseUrl, env: { MUTANT_CLOCK_STEP_MS: `${CLOCK_STEP_MS}` } });
  const key = { scope: "clocks", key: randomUUID() };
  const claimThrough = async (address: string) => {
    using caller = grpcCaller(address);
    return (await caller.call(IdempotencyService.method.claim, { key, claimId: randomUUID() })).outcome;
  };
  const first = await claimThrough(punctual.grpc);
  if (first !== ClaimOutcome.ACQUIRED) throw new Error(`a fresh key was answered ${nameOf(first)}`);
  const second = await claimThrough(ahead.grpc);
  if (second === ClaimOutcome.IN_PROGRESS) return null;
  return `what is held was answered ${nameOf(second)} by a server whose machine's clock is an hour ahead`;
});

function nameOf(outcome: ClaimOutcome): string {
  return Object.entries(ClaimOutcome).find(([, value]) => value === outcome)?.[0] ?? `${outcome}`;
}
