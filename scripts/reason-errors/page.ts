import { REMEDIES } from "../../src/client/remedies.ts";
import { OWN_ERRORS } from "./own-errors.ts";
import type { Reason } from "./reasons.ts";

/** docs/clients/errors.md. */
export function errorsPage(reasons: readonly Reason[]): string {
  const ofServers = reasons.map(({ name, className, code, meaning }) => [
    `\`${className}\``,
    code,
    meaning,
    REMEDIES[name as keyof typeof REMEDIES],
  ]);
  const ofClient = OWN_ERRORS.map(({ className, reason, when }) => [
    `\`${className}\``,
    reason === undefined ? "" : `\`${reason}\``,
    when,
    reason !== undefined && reason in REMEDIES ? REMEDIES[reason as keyof typeof REMEDIES] : "See the message.",
  ]);
  const servers = table(["class", "gRPC code", "meaning", "what to do"], ofServers);
  const client = table(["class", "reason", "when", "what to do"], ofClient);
  return PAGE.replace("{of-servers}", () => servers).replace("{of-client}", () => client);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(escaped).join(" | ")} |`);
  return lines.join("\n");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

const PAGE = `<!-- Made by \`node scripts/reason-errors.ts\`: do not edit. -->

# Errors, and calls without a server

What the client throws is a \`HoldfastError\`, of a class for each reason. What your own work throws comes out of \`once\` as it is.

\`\`\`ts
import { FingerprintMismatchError, HoldfastError, OutcomeUnknownError } from "holdfast/client";

try {
  await holdfast.once({ scope: "charge", key: order.id, input: order }, charge);
} catch (error) {
  if (error instanceof FingerprintMismatchError) return response.status(422).end();
  if (error instanceof OutcomeUnknownError) return askSomebody(error.evidence);
  if (error instanceof HoldfastError) console.error(error.name, error.reason, error.remedy);
  throw error;
}
\`\`\`

| property | |
| --- | --- |
| \`reason\` | the name of the reason; the empty string when no server of Holdfast has answered |
| \`code\` | the gRPC code; undefined when no call failed |
| \`retryAfterMs\` | set if and only if the same call can help later |
| \`violations\` | the fields that were refused, with what is allowed in them |
| \`remedy\` | what to do, in a sentence; it is in the tables below |
| \`cause\` | what was thrown below: the \`ConnectError\` of a call |

The client repeats calls by itself for as long as it may help, up to \`retry.totalTimeoutMs\`: what it throws is its last word. A reason that is newer than the client is a plain \`HoldfastError\` that keeps its name, and an answer that holds what the client does not know is taken for what is known of it, or is \`AnswerIncompleteError\`.

## What servers answer

{of-servers}

A call that was made with a lease tells four of them as \`LeaseLostError\`: LEASE_SUPERSEDED, LEASE_TOKEN_INVALID, INVALID_STATE and RECORD_NOT_FOUND.

## What the client finds itself

{of-client}

\`InvalidInputError\` and \`NotSerializableError\` are TypeErrors. \`error.path\` of the first says where in the input it is: \`["items", 2, "price"]\`.

## While no server can be reached

A call **fails closed** by default: it tries for \`retry.totalTimeoutMs\` (60 s), and throws. The work has not run.

With \`whenUnavailable: "fail-open"\` it tries for \`breaker.failOpenAfterMs\` (2 s), and then **the work runs without protection**:

* others who call may run it too, at the same time and again later; nothing is stored, and nothing is replayed;
* \`attempt.isProtected\` is false and \`attempt.fence\` is 0, which is below every fence that a server gives out: a target that checks fences refuses it;
* checkpoints, progress and external references go nowhere; \`attempt.keyFor\` gives the very keys that a protected attempt gives, if the client was given its \`tenant\` or has held a lease before, so that a provider that keeps keys of its own still does the work once;
* the result has \`protected: false\`, \`onUnprotected\` and the warning "unprotected" tell of it: alert on them, for a client with a wrong address fails open as well.

It is for work that had better be done twice than not at all: not for charges. With \`onLeaseExpiry: "hold"\` it is refused with a TypeError.

A call never fails open when a server has said anything: a refusal (of the credential, the role, the tenant, a quota, an overloaded server), FINGERPRINT_MISMATCH, an unknown outcome, an end, that somebody else is at work. It never does so once it holds a lease, and not when its own token could not be fetched. A claim whose answer was lost may leave a lease at the server, which ends by itself.

### The breaker

Each client counts the calls in a row that reached no server, or none with a database. At \`breaker.failures\` (5) it opens; for \`breaker.openMs\` (5 s) calls that fail open do not even try; then one of them is let through, and the first answer closes it again. Calls that fail closed try all the same, and close it too; with \`breaker: { failFast: true }\` they are \`CircuitOpenError\` while it is open. \`holdfast.breaker\` shows \`state\`, \`failures\` and \`retryAfterMs\`; the hook \`onBreaker\` tells of changes.

## Replays without a call

\`createClient({ tenant, cache: { entries, bytes, ttlMs } })\` keeps the results of completed work in this process, by tenant, scope, key and fingerprint: up to 1 000 of them, 16 MiB, and for 10 s, unless told otherwise; without \`cache\`, none. A result never changes, but an operator who resets or purges a record is not heard of here before \`ttlMs\` is over; and a result may be replayed for up to \`ttlMs\` beyond its retention. The cache is the client's: a client whose tokens change hands shows its results to whoever uses it. With \`reuse: "reject"\` it is not asked.

## Serializers

| | stores | content type |
| --- | --- | --- |
| none | JSON, and bytes as they are | \`application/json\`, \`application/octet-stream\` |
| \`json(parse?)\` | JSON; \`parse\` checks what comes back, as in \`json(Order.parse)\` | \`application/json\` |
| \`bytes()\` | bytes | \`application/octet-stream\` |
| \`protobuf(OrderSchema)\` | messages of one type | \`application/x-protobuf; proto=shop.v1.Order\` |

\`once\` takes its type from the serializer or the work. A stored result of another content type is \`ResultUnavailableError\` "unreadable". A value that cannot be encoded ends the record all the same, for the work is done: whoever ran it gets \`ResultUnavailableError\` with its \`value\`, and the \`NotSerializableError\` as its cause; everybody else gets "omitted". JSON is \`JSON.stringify\`'s: NaN becomes null, and a Date text, for who ran the work too.

## Hooks

\`createClient({ hooks: { onCall, onClaim, onReplay, onWorkEnd, onLeaseLost, onUnprotected, onBreaker } })\`: plain functions, called on the call's own time. What they throw is the warning "hook-failed". Spans come by themselves with an OpenTelemetry SDK; metrics are a few lines:

\`\`\`ts
const meter = metrics.getMeter("holdfast-client");
const claims = meter.createCounter("holdfast.client.claims");
const calls = meter.createHistogram("holdfast.client.call.duration", { unit: "ms" });
const unprotected = meter.createCounter("holdfast.client.unprotected");

createClient({
  address,
  hooks: {
    onCall: ({ method, code, reason, tookMs }) => calls.record(tookMs, { method, code, reason }),
    onClaim: ({ scope, outcome }) => claims.add(1, { scope, outcome }),
    onUnprotected: ({ scope }) => unprotected.add(1, { scope }),
  },
});
\`\`\`

## Proof

\`test/unit/client/reason-errors.test.ts\`: each reason has its class, its remedy and its row here. \`test/unit/client/fail-open.test.ts\` and \`breaker.test.ts\`: when work runs without protection, and when never. \`result-cache.test.ts\`, \`serializers.test.ts\`, \`hooks.test.ts\`. \`bad-inputs.test.ts\`: inputs, results, clocks, and servers that vanish; \`version-skew.test.ts\`: answers of the future and of the past. \`test/process/client-safety.test.ts\`: over the network, against real servers.
`;
