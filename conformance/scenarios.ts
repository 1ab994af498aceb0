import { ACROSS } from "./scenarios/across.ts";
import { FAILURES } from "./scenarios/failures.ts";
import { KEYS } from "./scenarios/keys.ts";
import { LEASES } from "./scenarios/leases.ts";
import { NETWORK } from "./scenarios/network.ts";
import { ONCE } from "./scenarios/once.ts";
import { RECONCILE } from "./scenarios/reconcile.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { WAITING } from "./scenarios/waiting.ts";

/** What every client does. */
export const SCENARIOS: readonly Scenario[] = [
  ...ONCE,
  ...FAILURES,
  ...LEASES,
  ...WAITING,
  ...RECONCILE,
  ...NETWORK,
  ...KEYS,
  ...ACROSS,
];
