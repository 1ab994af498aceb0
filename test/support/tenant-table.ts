import { Fault } from "../../src/domain/fault.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { TenantRegistration } from "../../src/domain/registration.ts";
import type { TenantSelector } from "../../src/domain/tenant.ts";
import { nextHealth } from "../../src/domain/tenant-health.ts";
import { normalisePath, pathPrefixes } from "../../src/tenants/paths.ts";
import type { Change, FoundName, StoredTenant, TenantTable } from "../../src/tenants/table.ts";

export interface LoggedChange extends Change {
  readonly action: string;
  readonly id: string;
}

export interface MemoryTenantTable extends TenantTable {
  /** The audit log. */
  readonly changes: readonly LoggedChange[];
}

/** Tenants behind a map, as the database keeps them. */
export function createMemoryTenantTable(now: () => Instant): MemoryTenantTable {
  const tenants = new Map<string, StoredTenant>();
  const changes: LoggedChange[] = [];
  let sequence = 0n;
  let names = 0n;

  const log = (action: string, id: string, { actor, reason }: Change): bigint => {
    changes.push({ action, id, actor, reason });
    sequence++;
    if (["register", "update", "unregister"].includes(action)) names = sequence;
    return sequence;
  };

  /** Of every tenant but this one. */
  const requireFree = ({ id, hosts, issuers }: TenantRegistration) => {
    const others = [...tenants.values()].map(({ registration }) => registration).filter((other) => other.id !== id);
    for (const { host, path } of hosts) {
      const taken = others.some((other) => other.hosts.some((theirs) => theirs.host === host && theirs.path === path));
      if (taken) throw new Fault("HOST_TAKEN", `the host ${host}${path} belongs to another tenant`);
    }
    for (const { issuer, subject } of issuers) {
      const taken = others.some((other) =>
        other.issuers.some((theirs) => theirs.issuer === issuer && theirs.subject === subject),
      );
      if (taken) throw new Fault("ISSUER_TAKEN", "an issuer with its subject belongs to another tenant");
    }
  };

  const byId = () => [...tenants.values()].toSorted((a, b) => (a.registration.id < b.registration.id ? -1 : 1));

  return {
    changes,
    read: async (id) => tenants.get(id) ?? null,
    find: async (selector) => ({ id: find(selector, byId()), names, subjects: subjectsOf(selector, byId()) }),
    list: async (afterId, limit) =>
      byId()
        .filter(({ registration }) => registration.id > afterId)
        .slice(0, limit),
    eager: async () => byId().filter(({ registration }) => registration.eager),

    async register(registration, health, change) {
      if (tenants.has(registration.id)) throw new Fault("TENANT_EXISTS", "a tenant of this id is registered already");
      requireFree(registration);
      const stored: StoredTenant = {
        registration: kept(registration),
        generation: log("register", registration.id, change),
        health: { health, reason: "", since: now() },
        draining: false,
        createTime: now(),
        updateTime: now(),
      };
      tenants.set(registration.id, stored);
      return stored;
    },

    async update(registration, health, generation, change) {
      const stored = tenants.get(registration.id);
      if (stored === undefined) return null;
      if (generation !== null && generation !== stored.generation) {
        throw new Fault("TENANT_CHANGED", "the tenant has another generation");
      }
      requireFree(registration);
      const { placement, encrypted } = stored.registration;
      const updated: StoredTenant = {
        ...stored,
        registration: kept({ ...registration, placement, encrypted }),
        generation: log("update", registration.id, change),
        health:
          health === null || stored.health.health === health ? stored.health : { health, reason: "", since: now() },
        updateTime: now(),
      };
      tenants.set(registration.id, updated);
      return updated;
    },

    async unregister(id, change) {
      const was = tenants.delete(id);
      if (was) log("unregister", id, change);
      return was;
    },

    async drain(id, draining, change) {
      const stored = tenants.get(id);
      if (stored === undefined) return null;
      if (stored.draining === draining) return stored;
      log(draining ? "drain" : "resume", id, change);
      tenants.set(id, { ...stored, draining });
      return { ...stored, draining };
    },

    async judge(id, generation, event, change) {
      const stored = tenants.get(id);
      if (stored?.generation !== generation) return null;
      const health = nextHealth(stored.health.health, event);
      const reason = event.kind === "accepted" ? "" : event.reason;
      if (health === stored.health.health && reason === stored.health.reason) return stored.health;
      log("judge", id, change);
      const since = health === stored.health.health ? stored.health.since : now();
      tenants.set(id, { ...stored, health: { health, reason, since } });
      return { health, reason, since };
    },
  };
}

/** In the order in which a database gives them back. */
function kept(registration: TenantRegistration): TenantRegistration {
  const { hosts, issuers } = registration;
  return {
    ...registration,
    hosts: hosts.toSorted((a, b) => (`${a.host} ${a.path}` < `${b.host} ${b.path}` ? -1 : 1)),
    issuers: issuers.toSorted((a, b) => (`${a.issuer} ${a.subject}` < `${b.issuer} ${b.subject}` ? -1 : 1)),
  };
}

function subjectsOf(selector: TenantSelector, all: readonly StoredTenant[]): FoundName["subjects"] {
  if (selector.kind !== "issuer") return "one";
  const issuers = all.flatMap(({ registration }) => registration.issuers);
  const named = issuers.filter(({ issuer, subject }) => issuer === selector.issuer && subject !== "");
  if (named.length === 0) return "all";
  return named.some(({ subject }) => subject === selector.subject) ? "one" : "unnamed";
}

function find(selector: TenantSelector, all: readonly StoredTenant[]): string | null {
  const registrations = all.map(({ registration }) => registration);
  switch (selector.kind) {
    case "id":
      return registrations.find(({ id }) => id === selector.id)?.id ?? null;
    case "host":
      for (const prefix of pathPrefixes(normalisePath(selector.path))) {
        const found = registrations.find(({ hosts }) =>
          hosts.some(({ host, path }) => host === selector.host && path === prefix),
        );
        if (found !== undefined) return found.id;
      }
      return null;
    case "issuer":
      for (const wanted of [selector.subject, ""]) {
        const found = registrations.find(({ issuers }) =>
          issuers.some(({ issuer, subject }) => issuer === selector.issuer && subject === wanted),
        );
        if (found !== undefined) return found.id;
      }
      return null;
  }
}
