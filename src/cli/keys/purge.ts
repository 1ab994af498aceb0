import type { AdminClient } from "../../client/admin.ts";
import { EXIT } from "../exit-codes.ts";
import { type GivenFlags, readFlag } from "../own-flags.ts";
import { shellWord } from "../shell-word.ts";
import { jsonText } from "../table.ts";
import { confirm, refuseUnasked } from "./confirm.ts";
import * as flag from "./flags.ts";
import { oneOf } from "./one-of.ts";
import type { Order } from "./order.ts";
import { namedText } from "./risk.ts";
import { tenantMeant, tenantText } from "./tenant.ts";

type PurgeRequest = Parameters<AdminClient["purgeRecords"]>[0];

/** A call deletes thousands of records. */
const PURGE_MS = 30_000;

/** Calls in a row that deleted nothing and said that there is more; then the server is not believed any longer. */
const IDLE_CALLS_MAX = 100;

/** One record with its scope, or all of a scope, or all of a tenant: each said in full, so that none happens by a slip. */
export function purgeProblems(flags: GivenFlags, hasKey: boolean): readonly string[] {
  const ofScope = flags.has(flag.ALL_OF_SCOPE.name);
  const ofTenant = flags.has(flag.ALL_OF_TENANT.name);
  const targets = ["the KEY of one record", `--${flag.ALL_OF_SCOPE.name}`, `--${flag.ALL_OF_TENANT.name}`];
  const problems = oneOf(
    targets,
    [hasKey, ofScope, ofTenant].flatMap((isGiven, at) => (isGiven ? [targets[at] ?? ""] : [])),
  );
  const hasScope = flags.has(flag.SCOPE.name);
  if ((hasKey || ofScope) && !hasScope) problems.push("--scope is needed");
  if (!ofTenant || hasKey || ofScope) return problems;
  if (hasScope) problems.push("--all-of-tenant takes no --scope");
  // A credential of every tenant has one that it means when none is named, and nobody deletes all of that one unnamed.
  if (!flags.has(flag.TENANT.name))
    problems.push("--all-of-tenant needs --tenant: say whose records are to be deleted");
  return problems;
}

export async function purge(order: Order): Promise<number> {
  const { io, output, name } = order;
  const unasked = refuseUnasked(questionOf(order, tenantText(name.tenant || null)), order);
  if (unasked !== null) return unasked;
  const tenant = tenantText(await tenantMeant(order, name.tenant));
  const refused = await confirm(questionOf(order, tenant), order);
  if (refused !== null) return refused;
  const { purged, held } = await purgeAll(order);
  if (output === "json") io.out(jsonText({ purged, held }));
  else io.out(`${countText(purged)} of ${tenant} deleted.\n`);
  if (held === 0) return EXIT.done;
  io.error(`holdfast: ${countText(held)} left, because somebody is at work; --force deletes also those\n`);
  return EXIT.refused;
}

function questionOf(order: Order, tenant: string): string {
  return `${whatOf(order, tenant)} will be deleted, with all that is known of it: the next claim does the work again.`;
}

interface Purged {
  readonly purged: number;
  /** In the last call: each looks at all of them again. */
  readonly held: number;
}

async function purgeAll(order: Order): Promise<Purged> {
  const { admin, io, signal, timeoutMs } = order;
  const request = requestOf(order);
  let purged = 0;
  let idle = 0;
  try {
    for (;;) {
      const answer = await admin.purgeRecords(request, { signal, timeoutMs: timeoutMs + PURGE_MS });
      purged += Number(answer.purged);
      const held = Number(answer.held);
      if (!answer.more) return { purged, held };
      idle = answer.purged === 0n ? idle + 1 : 0;
      if (idle === IDLE_CALLS_MAX) throw new Error("the server says that there are more records, and deletes none");
      io.progress?.(`${countText(purged)} deleted so far`);
      signal.throwIfAborted();
    }
  } catch (error) {
    if (purged > 0) io.error(`holdfast: ${countText(purged)} deleted before this; the same command again goes on\n`);
    throw error;
  } finally {
    io.progress?.("");
  }
}

function requestOf({ name, flags }: Order): PurgeRequest {
  return {
    tenantId: name.tenant,
    target: targetOf(name),
    force: flags.has(flag.FORCE_PURGE.name),
    reason: readFlag(flags, flag.REASON) ?? "",
  };
}

function targetOf({ scope, key }: Order["name"]): NonNullable<PurgeRequest["target"]> {
  if (key !== "") return { case: "key", value: { scope, key } };
  return scope === "" ? { case: "all", value: true } : { case: "scope", value: scope };
}

function whatOf({ name: { scope, key } }: Order, tenant: string): string {
  if (key !== "") return namedText({ scope, key }, tenant);
  return scope === "" ? `Every record of ${tenant}` : `Every record of scope ${shellWord(scope)} of ${tenant}`;
}

function countText(count: number): string {
  return count === 1 ? "1 record" : `${count} records`;
}
