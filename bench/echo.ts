import { create, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ClaimResponseSchema,
  IdempotencyService,
  SessionRequestSchema,
  SessionResponseSchema,
} from "../gen/holdfast/v1/idempotency_pb.ts";
import { type Endpoint, Malformed } from "../src/rpc/endpoint.ts";
import type { Line, Session, SessionEndpoint } from "../src/rpc/session-line.ts";
import { encodeHello } from "../src/rpc/wire/session.ts";

const { claim, session } = IdempotencyService.method;

/** A service that is nowhere in the contract: the messages of Claim and of Session, and nothing done with them. */
const EchoService: DescService = { ...IdempotencyService, typeName: "holdfast.bench.EchoService", methods: [] };
const unary = { ...claim, name: "Echo", localName: "echo", parent: EchoService };
const stream = { ...session, name: "EchoSession", localName: "echoSession", parent: EchoService };
EchoService.methods.push(unary, stream);

export const ECHO_PATH = `/${EchoService.typeName}/${unary.name}`;
export const ECHO_SESSION_PATH = `/${EchoService.typeName}/${stream.name}`;

/** More than any load has open at a time. */
const CALLS_MAX = 1_000;
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

export interface Echo {
  readonly endpoints: readonly Endpoint[];
  readonly sessions: readonly SessionEndpoint[];
  /** @param response an encoded ClaimResponse; empty at first */
  answerWith(response: Uint8Array): void;
}

/** What a call costs without us: the same adapters, the same messages decoded and encoded, and nothing in between. */
export function createEcho(): Echo {
  let answer = create(ClaimResponseSchema);
  return {
    answerWith(response) {
      answer = fromBinary(ClaimResponseSchema, response);
    },
    endpoints: [
      {
        kind: "unary",
        method: unary,
        async call(request) {
          if (request instanceof Malformed) throw request.cause;
          return create(ClaimResponseSchema, { ...answer });
        },
      },
    ],
    sessions: [{ kind: "session", method: stream, open: (line) => openEchoSession(line, () => answer) }],
  };
}

function openEchoSession(line: Line, answer: () => ReturnType<typeof create<typeof ClaimResponseSchema>>): Session {
  const send = (bytes: () => Uint8Array) => line.send({ bodyBytes: 0, encode: () => [bytes()], taken() {} });
  send(() => encodeHello({ callsMax: CALLS_MAX, waitsMax: 0, requestBytesMax: REQUEST_BYTES_MAX }));
  const nothing = () => undefined;
  return {
    receive(bytes) {
      const { id } = fromBinary(SessionRequestSchema, bytes);
      const value = create(ClaimResponseSchema, { ...answer() });
      const response = create(SessionResponseSchema, { id, answer: { case: "claim", value } });
      send(() => toBinary(SessionResponseSchema, response));
    },
    finish: () => line.end(null),
    ...{ goodbye: nothing, refuse: nothing, broken: nothing },
  };
}
