import type { Clock } from "../../src/clock.ts";
import type { Instant } from "../../src/domain/instant.ts";
import type { Epoch } from "../../src/store/postgres/epoch.ts";
import type { Store } from "../../src/store/store.ts";
import type { Hub } from "../../src/waiting/hub.ts";
import type { createWakingStore } from "../../src/waiting/waking-store.ts";
import type { Flaw } from "./postgres/flaw.ts";

/** A fault in the code, put between the parts of one server, into its database or into its callers. */
export interface Mutation {
  readonly flaw?: Flaw;
  /** Callers name each try of a claim anew. */
  readonly freshNonce?: boolean;
  /** Made anew for each server. */
  readonly server?: () => ServerMutation;
}

export interface ServerMutation {
  /** What the hub reads through. */
  readonly reads?: (store: Store) => Store;
  readonly clock?: (clock: Clock) => Clock;
  readonly hub?: (hub: Hub) => Hub;
  readonly waking?: typeof createWakingStore;
  readonly epoch?: (epoch: Epoch) => Epoch;
  /** The instant by which statements judge, instead of the database's clock; from this machine's own. */
  readonly asOf?: (wallClock: () => Instant) => () => Instant | null;
}
