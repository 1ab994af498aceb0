import type { Clock } from "../clock.ts";
import type { Tenant, TenantSelector } from "../domain/tenant.ts";
import type { TenantDirectory } from "./directory.ts";

export interface CachedDirectoryDeps {
  readonly directory: TenantDirectory;
  readonly clock: Clock;
  /** How long a change of a registration may go unseen. */
  readonly ttlMs: number;
  /** How long a new registration may go unseen by those who asked before it. */
  readonly absentTtlMs: number;
  /** Of each kind, found and absent. */
  readonly entriesMax: number;
}

/**
 * Remembers what another directory said. Callers who ask for the same tenant at once share one question; an error is
 * told to all of them and not remembered. Absent tenants are kept apart, so that guessed names push out no known one.
 */
export function createCachedDirectory(deps: CachedDirectoryDeps): TenantDirectory {
  const { directory, clock, ttlMs, absentTtlMs, entriesMax } = deps;
  const found = createExpiringMap<Tenant>(clock, ttlMs, entriesMax);
  const absent = createExpiringMap<true>(clock, absentTtlMs, entriesMax);
  const asked = new Map<string, Promise<Tenant | null>>();

  /** Without the deadline of whoever came first, for others wait for the answer too. */
  const ask = async (text: string, selector: TenantSelector) => {
    try {
      const tenant = await directory.resolve(selector, Number.POSITIVE_INFINITY);
      if (tenant === null) absent.set(text, true);
      else found.set(text, tenant);
      return tenant;
    } finally {
      asked.delete(text);
    }
  };

  return {
    async resolve(selector) {
      const text = selectorText(selector);
      const known = found.get(text);
      if (known !== undefined) return known;
      if (absent.get(text) !== undefined) return null;
      const underWay = asked.get(text);
      if (underWay !== undefined) return underWay;
      const answer = ask(text, selector);
      asked.set(text, answer);
      return answer;
    },
  };
}

interface ExpiringMap<Value> {
  get(name: string): Value | undefined;
  set(name: string, value: Value): void;
}

/** Bounded: the entry that was set longest ago makes room. */
function createExpiringMap<Value>(clock: Clock, ttlMs: number, entriesMax: number): ExpiringMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly expiresMs: number }>();
  return {
    get(name) {
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      if (clock.monotonicMs() < entry.expiresMs) return entry.value;
      entries.delete(name);
      return undefined;
    },
    set(name, value) {
      entries.delete(name);
      if (entries.size >= entriesMax) for (const oldest of entries.keys().take(1)) entries.delete(oldest);
      entries.set(name, { value, expiresMs: clock.monotonicMs() + ttlMs });
    },
  };
}

/** One text per selector. The length makes the last two injective. */
function selectorText(selector: TenantSelector): string {
  switch (selector.kind) {
    case "id":
      return `id:${selector.id}`;
    case "host":
      return `host:${selector.host.length}:${selector.host}${selector.path}`;
    case "issuer":
      return `issuer:${selector.issuer.length}:${selector.issuer}${selector.subject}`;
  }
}
