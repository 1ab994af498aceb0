import type { DescMethodUnary } from "@bufbuild/protobuf";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createCurfew } from "../operations/curfew.ts";
import type { Endpoint } from "./endpoint.ts";
import { OpenSession, type SessionDeps } from "./open-session.ts";
import type { Carried, UnaryEndpoint } from "./session-call.ts";
import type { SessionEndpoint } from "./session-line.ts";

const { method } = IdempotencyService;

/**
 * Carries the calls of unary endpoints on one stream: each goes through the pipeline of its method as if it had come by
 * itself, and is authenticated, validated, observed and answered there.
 */
export function createSession(deps: SessionDeps, endpoints: readonly Endpoint[]): SessionEndpoint {
  const carried = (field: Carried["field"]): Carried => ({ endpoint: find(endpoints, method[field]), field });
  const methods = {
    claim: carried("claim"),
    heartbeat: carried("heartbeat"),
    complete: carried("complete"),
    fail: carried("fail"),
  };
  const curfew = createCurfew(deps.clock);
  return {
    kind: "session",
    method: method.session,
    open: (line, context) => new OpenSession({ ...deps, methods, curfew }, line, context),
  };
}

function find(endpoints: readonly Endpoint[], wanted: DescMethodUnary): UnaryEndpoint {
  for (const endpoint of endpoints) if (endpoint.kind === "unary" && endpoint.method === wanted) return endpoint;
  throw new Error(`bug: no endpoint for ${wanted.name}`);
}
