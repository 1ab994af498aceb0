import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import {
  ClaimIntent,
  type ClaimRequestSchema,
  FailKind,
  IdempotencyService,
  type LeaseExpiryPolicy,
  type ReusePolicy,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { DURATION_CASES } from "./duration-cases.ts";
import type { RowNumber } from "./rows.ts";
import { CANARY, FIELD_INVALID, generic, type Refusal } from "./stand.ts";
import { encode, type Method, type Wire } from "./wires.ts";

const { method } = IdempotencyService;

/** A request that is refused for what its fields say, whatever the server holds. */
export interface FieldCase {
  readonly row: RowNumber;
  readonly says: string;
  readonly method: Method;
  readonly refusal: Refusal;
  /** What the refusal must say is allowed, where that is asked. */
  readonly allowed?: string;
  /** In the wire's format; null where the format has no words for it. */
  request(wire: Pick<Wire, "format">): Uint8Array | null;
}

type Claim = MessageInitShape<typeof ClaimRequestSchema>;
type CaseOf<I extends DescMessage> = readonly [says: string, init: MessageInitShape<I>, refusal: Refusal];

const digest = (bytes: number) => new Uint8Array(bytes).fill(7);
const long = (bytes: number) => CANARY.repeat(Math.ceil(bytes / CANARY.length)).slice(0, bytes);

const key = { scope: "charge", key: CANARY };
const handle = { key, token: digest(16), fence: 1n };
const claim = (init: Partial<Claim>): Claim => ({ key, claimId: "0123456789abcdef", ...init }) as Claim;
const RESULT = { body: { case: "omittedReason", value: "" } } as const;

/** Every one is refused on both ports, in every format, and on a session. */
export const FIELD_CASES: readonly FieldCase[] = [
  ...cases(1, method.claim, [
    ["an empty claim", {}, FIELD_INVALID("key", "claim_id")],
    ["an unknown intent", claim({ intent: 9 as ClaimIntent }), FIELD_INVALID("intent")],
    ["a negative intent", claim({ intent: -1 as ClaimIntent }), FIELD_INVALID("intent")],
    ["an unknown reuse", claim({ reuse: 77 as ReusePolicy }), FIELD_INVALID("reuse")],
    [
      "an unknown policy",
      claim({ policy: { onLeaseExpiry: 3 as LeaseExpiryPolicy } }),
      FIELD_INVALID("policy.on_lease_expiry"),
    ],
    ["1001 attempts", claim({ policy: { maxAttempts: 1001 } }), FIELD_INVALID("policy.max_attempts")],
    ["4294967295 attempts", claim({ policy: { maxAttempts: 2 ** 32 - 1 } }), FIELD_INVALID("policy.max_attempts")],
    [
      "an owner of 257 bytes",
      claim({ owner: { service: long(258), instance: "é".repeat(129) } }),
      FIELD_INVALID("owner.service", "owner.instance"),
    ],
    ["an external_ref of 257 bytes", claim({ externalRef: long(257) }), FIELD_INVALID("external_ref")],
    ["an external_ref with U+0000", claim({ externalRef: `${CANARY}\0` }), FIELD_INVALID("external_ref")],
    ["metadata of 4097 bytes", claim({ metadata: { [CANARY]: long(4091) } }), FIELD_INVALID("metadata")],
    ["a wait of a reconciler", claim({ intent: ClaimIntent.RECONCILE, wait: { nanos: 1 } }), FIELD_INVALID("wait")],
    [
      "a claim in which everything is wrong",
      {
        ...{ key: { tenant: `${CANARY}\0` }, claimId: CANARY, intent: 9 as ClaimIntent, reuse: 9 as ReusePolicy },
        ...{ lease: { seconds: 0n }, wait: { seconds: 61n }, fingerprint: { algorithm: CANARY } },
      },
      FIELD_INVALID(
        ...["key.tenant", "key.scope", "key.key", "claim_id", "intent", "reuse"],
        ...["fingerprint.digest", "lease", "wait"],
      ),
    ],
  ]),
  ...cases(1, method.heartbeat, [
    ["an empty heartbeat", {}, FIELD_INVALID("handle")],
    ["progress of more than 1", { handle, progress: { fraction: 1.5, message: CANARY } }, PROGRESS()],
    ["progress of less than 0", { handle, progress: { fraction: -0.1, message: CANARY } }, PROGRESS()],
    ["a checkpoint of 64 KiB and a byte", { handle, checkpoint: { sequence: 1n, data: digest(65_537) } }, TOO_LARGE()],
  ]),
  ...cases(1, method.complete, [
    ["an empty complete", {}, FIELD_INVALID("handle", "result")],
    ["a complete without a result", { handle }, FIELD_INVALID("result")],
    ["a result without a body", { handle, result: {} }, FIELD_INVALID("result.body")],
  ]),
  ...cases(1, method.fail, [["an empty fail", {}, FIELD_INVALID("handle", "kind")]]),
  ...cases(1, method.getRecord, [["an empty look", {}, FIELD_INVALID("key")]]),
  ...cases(1, method.resolveTenant, [["an empty question", {}, FIELD_INVALID("selector")]]),
  ...checkpoints(),
  ...wrongKeys(),
  ...fingerprints(),
  ...claimIds(),
  ...DURATION_CASES,
  ...proofs(),
  ...cases(76, method.claim, [
    ["10 000 entries", claim({ metadata: names(10_000) }), FIELD_INVALID("metadata")],
    ["a name of 5 kB", claim({ metadata: { [long(5000)]: "" } }), FIELD_INVALID("metadata")],
  ]),
  ...cases(76, method.complete, [
    ["10 000 entries", { handle, result: { ...RESULT, metadata: names(10_000) } }, FIELD_INVALID("result.metadata")],
  ]),
  ...cases(77, method.fail, [
    ["no kind", { handle }, FIELD_INVALID("kind")],
    ["an unknown kind", { handle, kind: 77 as FailKind }, FIELD_INVALID("kind")],
    ["a negative kind", { handle, kind: -1 as FailKind }, FIELD_INVALID("kind")],
    ["a delay for good", { handle, kind: FailKind.TERMINAL, delay: { seconds: 1n } }, FIELD_INVALID("delay")],
    [
      "an error of 17 KiB",
      { handle, kind: FailKind.TERMINAL, error: { message: long(17 * 1024) } },
      { code: "INVALID_ARGUMENT", reason: "ERROR_TOO_LARGE", fields: ["error"] },
    ],
  ]),
];

/** Functions, for the list above is made before what stands below it is. */
function PROGRESS(): Refusal {
  return FIELD_INVALID("progress.fraction");
}

function TOO_LARGE(): Refusal {
  return { code: "INVALID_ARGUMENT", reason: "CHECKPOINT_TOO_LARGE", fields: ["checkpoint.data"] };
}

function names(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${CANARY}${i}`, ""]));
}

function checkpoints(): readonly FieldCase[] {
  const wrong = [
    ["a sequence of 0", { sequence: 0n, name: CANARY }, "sequence"],
    ["a sequence of 2^63", { sequence: 2n ** 63n, name: CANARY }, "sequence"],
    ["a name of 257 bytes", { sequence: 1n, name: long(257) }, "name"],
    ["a content type of 257 bytes", { sequence: 1n, contentType: long(257) }, "content_type"],
  ] as const;
  return wrong.flatMap(([says, checkpoint, field]) => {
    const refusal = FIELD_INVALID(`checkpoint.${field}`);
    const kind = FailKind.RETRYABLE;
    return [
      ...cases(1, method.heartbeat, [[`a checkpoint with ${says}`, { handle, checkpoint }, refusal]]),
      ...cases(1, method.fail, [[`a checkpoint with ${says}`, { handle, kind, checkpoint }, refusal]]),
    ];
  });
}

function wrongKeys(): readonly FieldCase[] {
  const wrong = [
    ["a scope of 129 bytes", { scope: long(129), key: "k" }, ["key.scope"]],
    ["a scope of 65 letters of two bytes", { scope: "é".repeat(65), key: "k" }, ["key.scope"]],
    ["no scope", { key: CANARY }, ["key.scope"]],
    ["a key of 513 bytes", { scope: "s", key: long(513) }, ["key.key"]],
    ["a key of a MB", { scope: "s", key: long(1_000_000) }, ["key.key"]],
    ["no key", { scope: CANARY }, ["key.key"]],
    ["a tenant of 64 bytes", { tenant: long(64), scope: "s", key: "k" }, ["key.tenant"]],
    ["U+0000 in all three", { tenant: "a\0", scope: `${CANARY}\0`, key: "\0" }, ["key.tenant", "key.scope", "key.key"]],
  ] as const;
  return wrong.flatMap(([says, key, fields]) => {
    const refusal = FIELD_INVALID(...fields);
    const inHandle = FIELD_INVALID(...fields.map((field) => `handle.${field}`));
    const proof = { ...handle, key };
    return [
      ...cases(34, method.claim, [[says, claim({ key }), refusal]]),
      ...cases(34, method.getRecord, [[says, { key }, refusal]]),
      ...cases(34, method.heartbeat, [[says, { handle: proof }, inHandle]]),
      ...cases(34, method.complete, [[says, { handle: proof, result: RESULT }, inHandle]]),
      ...cases(34, method.fail, [[says, { handle: proof, kind: FailKind.TERMINAL }, inHandle]]),
    ];
  });
}

function fingerprints(): readonly FieldCase[] {
  const wrong: readonly (readonly [string, NonNullable<Claim["fingerprint"]>, string])[] = [
    ["1 byte", { algorithm: CANARY, digest: digest(1) }, "digest"],
    ["15 bytes", { algorithm: CANARY, digest: digest(15) }, "digest"],
    ["65 bytes", { algorithm: CANARY, digest: digest(65) }, "digest"],
    ["a digest without algorithm", { digest: digest(32) }, "algorithm"],
    ["an algorithm without digest", { algorithm: CANARY }, "digest"],
    ["an algorithm of 33 bytes", { algorithm: long(33), digest: digest(32) }, "algorithm"],
    ["U+0000 in the algorithm", { algorithm: `${CANARY}\0`, digest: digest(32) }, "algorithm"],
  ];
  return wrong.flatMap(([says, fingerprint, field]) => {
    const refusal = FIELD_INVALID(`fingerprint.${field}`);
    return [
      ...cases(44, method.claim, [[says, claim({ fingerprint }), refusal]]),
      ...cases(44, method.getRecord, [[says, { key, fingerprint }, refusal]]),
    ];
  });
}

function claimIds(): readonly FieldCase[] {
  const wrong = [
    ["missing", ""],
    ["of 15 bytes", long(15)],
    ["of 65 bytes", long(65)],
    ["of 33 letters of two bytes", "é".repeat(33)],
    ["with U+0000", `${CANARY.repeat(3)}\0`],
    ["with U+0000 at its beginning", `\0${CANARY.repeat(3)}`],
  ] as const;
  return cases(
    47,
    method.claim,
    wrong.map(([says, claimId]) => [says, claim({ claimId }), FIELD_INVALID("claim_id")] as const),
  );
}

function proofs(): readonly FieldCase[] {
  const tokens = [0, 15, 17, 1 << 19].map((bytes) => [`a token of ${bytes} bytes`, { token: digest(bytes) }] as const);
  const fences = [0n, -1n, -(2n ** 63n)].map((fence) => [`a fence of ${fence}`, { fence }] as const);
  const all = [
    ...tokens.map((token) => [59, "token", ...token] as const),
    ...fences.map((fence) => [62, "fence", ...fence] as const),
  ];
  return all.flatMap(([row, field, says, change]) => {
    const refusal = FIELD_INVALID(`handle.${field}`);
    const proof = { ...handle, ...change };
    return [
      ...cases(row, method.heartbeat, [[says, { handle: proof }, refusal]]),
      ...cases(row, method.complete, [[says, { handle: proof, result: RESULT }, refusal]]),
      ...cases(row, method.fail, [[says, { handle: proof, kind: FailKind.TERMINAL }, refusal]]),
    ];
  });
}

function cases<I extends DescMessage, O extends DescMessage>(
  row: RowNumber,
  rpc: Method<I, O>,
  list: readonly CaseOf<I>[],
): readonly FieldCase[] {
  return list.map(([says, init, refusal]) => ({
    ...{ row, says, method: generic(rpc), refusal },
    request: (wire) => encode(wire, rpc, init),
  }));
}
