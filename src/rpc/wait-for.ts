import type { WaitForRequestSchema, WaitForResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../domain/fault.ts";
import type { StreamHandler } from "./pipeline.ts";

/** Waiting is not served; the request is authenticated and validated all the same. */
export function createWaitForHandler(): StreamHandler<typeof WaitForRequestSchema, typeof WaitForResponseSchema> {
  return () => {
    throw new Fault("UNIMPLEMENTED", "this server does not serve WaitFor; claim again after retry_after instead");
  };
}
