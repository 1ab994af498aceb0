import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import type { Fault } from "../domain/fault.ts";
import { createClaim } from "../operations/claim.ts";
import { createComplete } from "../operations/complete.ts";
import { createFail } from "../operations/fail.ts";
import { createGetRecord } from "../operations/get-record.ts";
import { createHeartbeat } from "../operations/heartbeat.ts";
import { createResolveTenant } from "../operations/resolve-tenant.ts";
import { createWaitFor } from "../operations/wait-for.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { Tenants } from "../tenants/tenants.ts";
import type { WaitingObserver } from "../waiting/observer.ts";
import { claimBodyBytes, getRecordBodyBytes, waitForBodyBytes } from "./body-bytes.ts";
import { createClaimHandler } from "./claim.ts";
import { createCompleteHandler } from "./complete.ts";
import type { Endpoint } from "./endpoint.ts";
import { createFailHandler } from "./fail.ts";
import { createGetRecordHandler } from "./get-record.ts";
import { createHeartbeatHandler } from "./heartbeat.ts";
import { observeClaim, observeComplete, observeFail } from "./observed.ts";
import type { RpcObserver } from "./observer.ts";
import { createServerStreaming, createUnary } from "./pipeline.ts";
import { createResolveTenantHandler } from "./resolve-tenant.ts";
import {
  claimRules,
  completeRules,
  failRules,
  getRecordRules,
  heartbeatRules,
  noRules,
  waitForRules,
} from "./rules.ts";
import { createWaitForHandler } from "./wait-for.ts";

export interface EndpointDeps {
  readonly tenants: Tenants;
  readonly authenticator: Authenticator;
  readonly observer: RpcObserver;
  readonly clock: Clock;
  readonly waiting: WaitingObserver;
  /** Why this server acquires nothing now (DRAINING, OVERLOADED); null when it may. Ends and replays go on all the same. */
  readonly admission: () => Fault | null;
  /** 16 fresh random bytes. */
  readonly newToken: () => Uint8Array;
  /** 0 up to but not including 1; for jitter. */
  readonly random: () => number;
  readonly tracing: Tracing;
}

/** One endpoint per method of IdempotencyService. */
export function createEndpoints(deps: EndpointDeps): readonly Endpoint[] {
  const { observer, random } = deps;
  const { method } = IdempotencyService;
  const claim = observeClaim(createClaim(deps), observer);
  const complete = observeComplete(createComplete(deps), observer);
  const fail = observeFail(createFail(deps), observer);
  return [
    createUnary(deps, method.claim, claimRules, createClaimHandler(claim, random), claimBodyBytes),
    createUnary(deps, method.heartbeat, heartbeatRules, createHeartbeatHandler(createHeartbeat(deps))),
    createUnary(deps, method.complete, completeRules, createCompleteHandler(complete)),
    createUnary(deps, method.fail, failRules, createFailHandler(fail)),
    createServerStreaming(
      deps,
      method.waitFor,
      waitForRules,
      createWaitForHandler(createWaitFor(deps)),
      waitForBodyBytes,
    ),
    createUnary(deps, method.resolveTenant, noRules, createResolveTenantHandler(createResolveTenant(deps))),
    createUnary(
      deps,
      method.getRecord,
      getRecordRules,
      createGetRecordHandler(createGetRecord(deps)),
      getRecordBodyBytes,
    ),
  ];
}
