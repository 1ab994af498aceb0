// biome-ignore lint/performance/noBarrelFile: a package has one entry, and what its users must name goes through it.
export { attemptOf } from "./attempts.ts";
export { createIdempotency, type Handled, type Idempotency, type Run } from "./http/idempotency.ts";
export { type Disposition, defaultDisposition, type IdempotencyOptions } from "./http/options.ts";
export type { ProblemCode } from "./http/problem.ts";
export type { Call, RequestBody } from "./http/request.ts";
export {
  type Answer,
  type CapturedResponse,
  type HeaderList,
  REPLAYED_HEADERS,
  responseSerializer,
} from "./http/response.ts";
