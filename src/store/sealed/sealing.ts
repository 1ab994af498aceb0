import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { Log } from "../../telemetry/log.ts";
import { createWarning } from "../../telemetry/warning.ts";
import type { Run } from "../postgres/run.ts";
import type { Store } from "../store.ts";
import { createKeyRing } from "./key-ring.ts";
import type { MasterKeys } from "./master-keys.ts";
import type { UnopenableReason } from "./opener.ts";
import { createPostgresTenantKeyTable } from "./postgres/tenant-key-table.ts";
import { createSealedStore } from "./sealed-store.ts";
import type { TenantKeys } from "./tenant-keys.ts";
import { KeysUnusable } from "./wrapping.ts";

/** Encryption at rest, where tenants want it. */
export interface Sealing {
  readonly hasMasterKey: boolean;
  /** The plain store of a cluster, over which encrypted tenants' content is sealed. `run` is main's. */
  decorate(store: Store, name: string, run: Run): Store;
  /**
   * The keys of a tenant that is being built; null if it is not encrypted. Throws `Fault` TENANT_DISABLED when this
   * server cannot have them, and as the store does.
   */
  keysOf(registration: TenantRegistration): Promise<TenantKeys | null>;
}

/** Tenants whose encryption keys are kept in memory. */
const TENANT_KEYS_MAX = 10_000;

/** Keys that were made elsewhere, by a rotation, are written with after this time at the latest. */
const REFRESH_MS = 60_000;

export const NO_SEALING: Sealing = {
  hasMasterKey: false,
  decorate: (store) => store,
  async keysOf({ encrypted }) {
    if (encrypted) throw new Fault("TENANT_DISABLED", "the tenant is encrypted, and this server has no master key");
    return null;
  },
};

export interface CreateSealingDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
  readonly unopenable: (why: UnopenableReason) => void;
}

export function createSealing(masterKeys: MasterKeys, { clock, log, unopenable }: CreateSealingDeps): Sealing {
  /** Of every tenant that was built here: what is known of one stays true, for it is fixed. A few bytes for each. */
  const isEncrypted = new Map<string, boolean>();
  let ring: ReturnType<typeof createKeyRing> | null = null;
  const ringOver = (run: Run) => {
    ring ??= createKeyRing({
      table: createPostgresTenantKeyTable({ run }),
      ...{ masterKeys, clock, tenantsMax: TENANT_KEYS_MAX, refreshMs: REFRESH_MS },
      onRefreshFailed: (tenant, error) => log.warn({ tenant, error }, "a tenant's keys could not be read again"),
    });
    return ring;
  };
  const warn = createWarning({ clock, log }, "stored content cannot be decrypted");

  return {
    hasMasterKey: true,

    decorate(store, _name, run) {
      const { of: ringOf } = ringOver(run);
      return createSealedStore({
        store,
        // Every call enters its tenant first, and that builds it.
        keysOf(tenant) {
          const encrypted = isEncrypted.get(tenant);
          if (encrypted === undefined) throw new Error("bug: a record of a tenant that was not entered");
          return encrypted ? ringOf(tenant) : null;
        },
        onUnopenable(tenant, why) {
          unopenable(why);
          warn({ tenant, why });
        },
      });
    },

    async keysOf({ id, encrypted }) {
      isEncrypted.set(id, encrypted);
      if (!encrypted) return null;
      if (ring === null) throw new Error("bug: a tenant is built before the clusters are opened");
      try {
        return await ring.of(id);
      } catch (cause) {
        if (!(cause instanceof KeysUnusable)) throw cause;
        const message = "the tenant's keys cannot be opened with the master keys of this server";
        throw new Fault("TENANT_DISABLED", message, { cause });
      }
    },
  };
}
