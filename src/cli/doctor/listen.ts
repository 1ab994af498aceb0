import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { type DatabaseSource, listenAddress, withDatabase } from "../../server/database-source.ts";
import { withClient } from "../../store/postgres/connection.ts";
import { connectionOf, readIdentity } from "../../store/postgres/identity.ts";
import { type Finding, findingsOf } from "./finding.ts";

const ARRIVES_MS_MAX = 2_000;
const SLOW_MS = 250;
const POLLING = "Until then whoever waits for another server's change polls every 250 ms.";

export interface ListenDeps {
  readonly source: DatabaseSource;
  readonly pooled: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Goes the way of a real notification: out by the address for statements, in by the one for LISTEN. It is on a channel
 * of its own, which no server listens on. The only thing that doctor writes, and it leaves nothing behind.
 */
export async function checkListen(deps: ListenDeps): Promise<Finding> {
  const { ok, warning, problem } = findingsOf("listen");
  const { source, pooled } = deps;
  const option = source.option === "--placements" ? "--placement-listen-urls" : "--listen-url";
  if (pooled && source.listenUrl === source.url) {
    return warning(
      "Behind a pooler in transaction mode, and no address leads past it: no notification arrives.",
      `Give a direct address with ${option}. ${POLLING}`,
    );
  }
  const heard = await hear(deps);
  if (heard.kind === "elsewhere") {
    return problem(`${option} leads to another database.`, `Give the address of the same database. ${POLLING}`);
  }
  if (heard.kind === "nothing") {
    return warning(
      `A notification did not arrive within ${ARRIVES_MS_MAX / 1000} s.`,
      `Give an address past the pooler with ${option}. ${POLLING}`,
    );
  }
  const sentence = `A notification arrives after ${heard.ms.toFixed(1)} ms.`;
  if (heard.ms < SLOW_MS) return ok(sentence);
  return warning(sentence, "Polling would be as fast: look at the network, and at transactions that commit slowly.");
}

type Heard =
  | { readonly kind: "arrived"; readonly ms: number }
  | { readonly kind: "nothing" }
  | { readonly kind: "elsewhere" };

function hear({ source, pooled, clock, signal }: ListenDeps): Promise<Heard> {
  const channel = `holdfast_doctor_${randomBytes(8).toString("hex")}`;
  return withClient({ ...listenAddress(source, pooled), signal }, async (ear) => {
    const arrival = Promise.withResolvers<number>();
    ear.on("notification", () => arrival.resolve(clock.monotonicMs()));
    await ear.query(`listen ${channel}`);
    const heardIdentity = await readIdentity(connectionOf(ear));
    return withDatabase(
      source,
      async (mouth): Promise<Heard> => {
        if ((await readIdentity(connectionOf(mouth))) !== heardIdentity) return { kind: "elsewhere" };
        const sentAtMs = clock.monotonicMs();
        await mouth.query("select pg_notify($1, '')", [channel]);
        const done = new AbortController();
        const overdue = clock.sleep(ARRIVES_MS_MAX, AbortSignal.any([signal, done.signal])).then(() => null);
        const atMs = await Promise.race([arrival.promise, overdue.catch(() => null)]);
        done.abort();
        return atMs === null ? { kind: "nothing" } : { kind: "arrived", ms: Math.max(0, atMs - sentAtMs) };
      },
      signal,
    );
  });
}
