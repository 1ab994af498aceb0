import type { Verdict } from "./registration.ts";
import type { TenantHealth } from "./tenant.ts";

/** What changes the health of a tenant. */
export type HealthEvent = Verdict | { readonly kind: "build-failed"; readonly reason: string };

/**
 * ```
 *            accepted            refused, uncertain
 *  pending ───────────▶ healthy ───────────────────▶ unverified
 *     │                    ▲  ▲                        │    │
 *     │ refused,           │  └─────── accepted ───────┘    │ refused
 *     │ build failed       │ accepted                       │
 *     └──────────────▶ disabled ◀───────────────────────────┘
 * ```
 * Uncertainty leaves pending pending and disabled disabled: neither ever serves by accident. Nobody is healthy with
 * nothing built: a build that fails disables, whatever the health was.
 */
export function nextHealth(health: TenantHealth, event: HealthEvent): TenantHealth {
  switch (event.kind) {
    case "accepted":
      return "healthy";
    case "refused":
      return health === "healthy" ? "unverified" : "disabled";
    case "uncertain":
      return health === "healthy" ? "unverified" : health;
    case "build-failed":
      return "disabled";
  }
}
