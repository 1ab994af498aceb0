import { FailKind, type LeaseHandle } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { type Caller, connect } from "./waiting-calls.ts";

export const CALLS = 'holdfast_waiting_calls{placement="main"}';

/** Two servers on one database, and a caller of each who stays. */
export interface ServerPair extends AsyncDisposable {
  readonly servers: readonly [ServerProcess, ServerProcess];
  readonly callers: readonly [Caller, Caller];
}

/** @param urlOfOther how the second one reaches the same database */
export async function openPair(url: string, urlOfOther: string = url): Promise<ServerPair> {
  await using opening = new AsyncDisposableStack();
  const start = async (databaseUrl: string) => opening.use(await startServer({ databaseUrl }));
  const servers = await Promise.all([start(url), start(urlOfOther)]);
  const [one, other] = servers;
  const callers = [opening.use(connect(one.grpc)), opening.use(connect(other.grpc))] as const;
  const opened = opening.move();
  return { servers, callers, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** The holder lets go as if he had never begun. */
export async function release(caller: Caller, handle: LeaseHandle | undefined): Promise<void> {
  if (handle === undefined) throw new Error("nobody holds it");
  await caller.fail({ handle, kind: FailKind.NOT_STARTED });
}

export async function untilNobodyWaits(servers: readonly ServerProcess[]): Promise<void> {
  for (const sample of [CALLS, 'holdfast_waiters{placement="main"}', 'holdfast_waited_keys{placement="main"}'])
    await untilSumIs(servers, sample, 0);
}
