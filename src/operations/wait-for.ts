import type { Clock } from "../clock.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import type { Fingerprint } from "../domain/record.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Served, serveTenant, type WaitingCaller } from "./access.ts";
import { createCurfew } from "./curfew.ts";
import type { RecordEvent } from "./wait-changes.ts";
import { type Finish, WaitTargets, type Watch } from "./wait-targets.ts";

export interface WaitForDeps {
  readonly tenants: Pick<Tenants, "enter">;
  readonly clock: Clock;
}

export interface WaitForInput {
  readonly targets: readonly WaitForTarget[];
  /** When the wait is over: all of them have ended, or any. */
  readonly mode: "all" | "any";
  readonly timeoutMs: number;
  readonly keepAliveMs: number;
  /** An absent record fails the call instead of being waited for. */
  readonly mustExist: boolean;
}

export interface WaitForTarget {
  /** Its tenant may be empty. */
  readonly key: RecordKey;
  /** Compared unless empty, with whatever the record is at any time; not with one that a reset has unbound. */
  readonly fingerprint: Fingerprint;
}

/** Nothing else was told for an interval. */
export interface KeepAlive {
  readonly kind: "keep-alive";
  /** By the database's clock; null if the database has not answered yet. */
  readonly serverTime: Instant | null;
  /** No notifications arrive: changes are seen up to a quarter of a second later. */
  readonly isPolling: boolean;
}

export interface WaitForEvent {
  /** Which target; 0 for keep-alive and finish. */
  readonly index: number;
  readonly event: RecordEvent | KeepAlive | Finish;
}

/**
 * Tells of each record as it is, what becomes of it, and its end; a finish is the last. Events are made when they are
 * asked for: whoever asks seldom is told the newest. When the caller has gone, all is left at once, whether or not the
 * next event is being asked for.
 *
 * Throws `Fault`, each naming its target: RECORD_NOT_FOUND of one that must exist, FINGERPRINT_MISMATCH at any time.
 */
export type WaitFor = (caller: WaitingCaller, input: WaitForInput) => AsyncGenerator<WaitForEvent, void>;

export function createWaitFor(deps: WaitForDeps): WaitFor {
  const { clock } = deps;
  const curfew = createCurfew(clock);
  return async function* (caller, input) {
    const { timeoutMs, keepAliveMs } = input;
    const overMs = clock.monotonicMs() + timeoutMs;
    const targets = new WaitTargets({ clock, curfew });
    try {
      targets.begin(await enterAll(deps.tenants, caller, input), caller.context);
      let quietSinceMs = clock.monotonicMs();
      for (;;) {
        const nowMs = clock.monotonicMs();
        const quietMs = quietSinceMs + keepAliveMs;
        if (nowMs >= overMs) targets.end("timeout");
        const told = targets.next();
        if (told !== null) yield told;
        else if (nowMs >= quietMs) yield keepAlive(targets.serverTime, targets.isPolling);
        else {
          await targets.rest(Math.min(overMs, quietMs));
          continue;
        }
        if (told?.event.kind === "finish") return;
        // From when it was taken: what a slow reader has before it keeps the connection busy.
        quietSinceMs = clock.monotonicMs();
      }
    } finally {
      targets[Symbol.dispose]();
    }
  };
}

function keepAlive(serverTime: Instant | null, isPolling: boolean): WaitForEvent {
  return { index: 0, event: { kind: "keep-alive", serverTime, isPolling } };
}

/** Every tenant is asked for once, and counts once: two names, the empty one and its own, may be one tenant's. */
async function enterAll(tenants: WaitForDeps["tenants"], caller: WaitingCaller, input: WaitForInput): Promise<Watch> {
  const named = new Map<string, Served>();
  const targets = [];
  for (const { key, fingerprint } of input.targets) {
    const served = named.get(key.tenant) ?? (await serveTenant(tenants, caller, key.tenant, "read"));
    named.set(key.tenant, served);
    const { tenant, runtime } = served;
    targets.push({
      key: { ...key, tenant: tenant.id },
      fingerprint: runtime.fingerprint(fingerprint),
      hub: runtime.hub,
    });
  }
  const distinct = new Map([...named.values()].map(({ tenant, runtime }) => [tenant.id, { tenant, hub: runtime.hub }]));
  return { ...input, tenants: [...distinct.values()], targets };
}
