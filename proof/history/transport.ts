import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type ContextValues, createContextValues, type Transport } from "@connectrpc/connect";
import {
  type ClaimRequest,
  type ClaimResponse,
  type CompleteRequest,
  type CompleteResponse,
  type FailRequest,
  type FailResponse,
  type GetRecordRequest,
  type GetRecordResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
  IdempotencyService,
  OwnerSchema,
  type WaitForRequest,
  type WaitForResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { ROUTE_TAKEN, type Route } from "../../src/client/route.ts";
import { canariesIn } from "./canaries.ts";
import type { Op } from "./format.ts";
import { claimSaid, completeSaid, failSaid, getRecordSaid, heartbeatSaid, type Said } from "./inputs.ts";
import type { Answered, Begun, Ledger } from "./ledger.ts";
import { claimTold, completeTold, errorTold, failTold, getRecordTold, heartbeatTold, type Told } from "./outputs.ts";
import { recordWait } from "./waits.ts";

export interface WrapOptions {
  /** Names one caller; unique over all processes of the history. */
  readonly client: string;
  /** Of keys that name no tenant: the credential's. Default "default". */
  readonly tenant?: string;
  /** host:port, where the transport does not tell. */
  readonly server?: string;
  /**
   * Puts the claim_id into owner.instance of every claim, so that IN_PROGRESS tells whose lease it saw. Default true:
   * without it every unanswered claim has to be tried for each lease that nobody was told of.
   */
  readonly signs?: boolean;
}

interface Recorded {
  readonly op: Op;
  said(request: Message): Said;
  told(answer: Message): Told;
}

const CALLS: Readonly<Record<string, Recorded>> = {
  claim: {
    op: "claim",
    said: (request) => claimSaid(request as ClaimRequest),
    told: (answer) => claimTold(answer as ClaimResponse),
  },
  heartbeat: {
    op: "heartbeat",
    said: (request) => heartbeatSaid(request as HeartbeatRequest),
    told: (answer) => heartbeatTold(answer as HeartbeatResponse),
  },
  complete: {
    op: "complete",
    said: (request) => completeSaid(request as CompleteRequest),
    told: (answer) => completeTold(answer as CompleteResponse),
  },
  fail: {
    op: "fail",
    said: (request) => failSaid(request as FailRequest),
    told: (answer) => failTold(answer as FailResponse),
  },
  getRecord: {
    op: "get_record",
    said: (request) => getRecordSaid(request as GetRecordRequest),
    told: (answer) => getRecordTold(answer as GetRecordResponse),
  },
};

/** The transport, with every call on a record written down. Calls of other services pass unseen. */
export function recordTransport(ledger: Ledger, transport: Transport, options: WrapOptions): Transport {
  const { signs = true } = options;
  return {
    async unary(method, signal, timeoutMs, headers, input, values) {
      const recorded = isOfRecords(method) ? CALLS[method.localName] : undefined;
      if (recorded === undefined) return await transport.unary(method, signal, timeoutMs, headers, input, values);
      const request = signs ? signed(method, create(method.input, input)) : create(method.input, input);
      const { context, route } = routed(values);
      const said = recorded.said(request);
      const end = ledger.begin(begun(recorded.op, said, options));
      const server = () => named(route.address ?? options.server);
      try {
        const answer = await transport.unary(method, signal, timeoutMs, headers, asInit(method, request), context);
        const canaries = canariesIn(toBinary(method.output, answer.message));
        end({ ...recorded.told(answer.message), ...server(), ...(canaries.length > 0 && { canaries }) });
        return answer;
      } catch (error) {
        end({ ...errorTold(error, ledger.nowNs()), ...server(), ...canariesOfError(error) });
        throw error;
      }
    },

    async stream(method, signal, timeoutMs, headers, input, values) {
      if (!isOfRecords(method) || method.localName !== "waitFor") {
        return await transport.stream(method, signal, timeoutMs, headers, input, values);
      }
      const { context, route } = routed(values);
      const request = await first(input);
      const names = {
        begun: (op: Op, said: Said) => begun(op, said, options),
        server: () => named(route.address ?? options.server),
      };
      const wait = recordWait(ledger, create(method.input, request) as Message as WaitForRequest, names, signal);
      try {
        const answer = await transport.stream(method, signal, timeoutMs, headers, only(request), context);
        const message = wait.watch(answer.message as AsyncIterable<Message> as AsyncIterable<WaitForResponse>);
        return { ...answer, message: message as AsyncIterable<Message> as typeof answer.message };
      } catch (error) {
        wait.failed(error);
        throw error;
      }
    },
  };
}

function isOfRecords(method: DescMethod): boolean {
  return method.parent.typeName === IdempotencyService.typeName;
}

/** A copy; the caller's own message stays as it is. */
function signed<I extends DescMessage>(method: DescMethod & { readonly input: I }, request: MessageShape<I>) {
  if (method.localName !== "claim") return request;
  const claim = request as Message as ClaimRequest;
  const owner = create(OwnerSchema, { service: claim.owner?.service ?? "", instance: claim.claimId });
  return { ...claim, owner } as Message as MessageShape<I>;
}

function asInit<I extends DescMessage, O extends DescMessage>(_: DescMethodUnary<I, O>, request: MessageShape<I>) {
  return request as MessageInitShape<I>;
}

/** The same values, with a place for the server that is called. */
function routed(values: ContextValues | undefined): { readonly context: ContextValues; readonly route: Route } {
  const context = values ?? createContextValues();
  const route = context.get(ROUTE_TAKEN) ?? { address: undefined };
  context.set(ROUTE_TAKEN, route);
  return { context, route };
}

function begun(op: Op, { key, input }: Said, { client, tenant = "default" }: WrapOptions): Begun {
  return { op, client, tenant: key.tenant === "" ? tenant : key.tenant, scope: key.scope, key: key.key, input };
}

function named(server: string | undefined): Pick<Answered, "server"> {
  return server === undefined ? {} : { server };
}

function canariesOfError(error: unknown): Pick<Answered, "canaries"> {
  const canaries = canariesIn(Buffer.from(String(error)));
  return canaries.length > 0 ? { canaries } : {};
}

async function first<I>(input: AsyncIterable<I>): Promise<I> {
  for await (const message of input) return message;
  throw new Error("a wait needs a request");
}

async function* only<I>(message: I): AsyncGenerator<I> {
  yield message;
}
