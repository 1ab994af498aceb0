import { create, type DescService, fromBinary } from "@bufbuild/protobuf";
import { ClaimResponseSchema, IdempotencyService } from "../gen/holdfast/v1/idempotency_pb.ts";
import { type Endpoint, Malformed } from "../src/rpc/endpoint.ts";

const { claim } = IdempotencyService.method;

/** A service of one method that is nowhere in the contract: the messages of Claim, and nothing done with them. */
const EchoService: DescService = { ...IdempotencyService, typeName: "holdfast.bench.EchoService", methods: [] };
const echo = { ...claim, name: "Echo", localName: "echo", parent: EchoService };
EchoService.methods.push(echo);

export const ECHO_PATH = `/${EchoService.typeName}/${echo.name}`;

/**
 * What a call costs without us: the same adapter, the same two messages decoded and encoded, and nothing in between.
 *
 * @param response an encoded ClaimResponse
 */
export function createEcho(response: Uint8Array): Endpoint {
  const answer = fromBinary(ClaimResponseSchema, response);
  return {
    kind: "unary",
    method: echo,
    async call(request) {
      if (request instanceof Malformed) throw request.cause;
      return create(ClaimResponseSchema, { ...answer });
    },
  };
}
