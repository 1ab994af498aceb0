import type { IncomingMessage, ServerResponse } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { ClientCertificate } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import { SIZES } from "../domain/limits.ts";
import { connectError } from "../rpc/connect-error.ts";
import { type CallContext, type Endpoint, Malformed } from "../rpc/endpoint.ts";
import { toRpcError } from "../rpc/status.ts";
import { httpContext } from "./http-context.ts";
import { causeOf } from "./http-errors.ts";
import { JSON_OPTIONS, makePrintable } from "./http-json.ts";
import { refusedHere } from "./http-no-session.ts";
import { emptyRequest, enterInTurn, sendResponse, universalRequest } from "./http-universal.ts";
import { compressionsInTurn } from "./http-unpacking.ts";
import { largeBytesOf } from "./large-answer.ts";
import { TIMEOUT_MS_MAX, UNPACKING } from "./limits.ts";
import { createRoom, type Place, type Room } from "./room.ts";
import { dismissSlowReader } from "./slow-reader.ts";
import { certificateOfSocket } from "./tls/client-certificate.ts";

export interface HttpRpcDeps {
  readonly endpoints: readonly Endpoint[];
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  /** For large answers, shared by both ports. */
  readonly room: Room;
}

export interface HttpRpc {
  /** One POST path per method. */
  handlerOf(path: string): ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;
}

/** What we must know of a call that connect runs for us. */
interface Attempt {
  /** Our endpoint was called; what fails from then on is ours. */
  reached: boolean;
  /** Why connect refused the call by itself. */
  refused?: ConnectError;
  /** Set on the second run: what the endpoint is called with. */
  malformed?: Malformed;
  /** Our endpoint has answered, and nothing else was quicker. */
  isAnswered: boolean;
  /** The reader of the stream does not take what is sent. */
  isSlow: boolean;
  /** Resolves once the answer was handed over to be sent, or never will be. */
  readonly answered: () => Promise<boolean>;
  /** The caller's, verified. */
  readonly certificate: () => ClientCertificate | null;
  /** Room for an answer so large; null when the signal is aborted first. Given back when the call is over, if not before. */
  readonly enter: (bytes: number, signal: AbortSignal) => Promise<Place | null>;
}

const ATTEMPT = createContextKey<Attempt | null>(null);

/**
 * Connect (JSON and binary) and gRPC-Web, spoken by connect over the endpoints. Its universal handlers are used instead
 * of its Node adapter, which prints to the console for every caller that goes away.
 */
export function createHttpRpc(deps: HttpRpcDeps): HttpRpc {
  const router = createConnectRouter({
    grpc: false,
    jsonOptions: JSON_OPTIONS,
    readMaxBytes: SIZES.messageBytesMax,
    maxTimeoutMs: TIMEOUT_MS_MAX,
    acceptCompression: compressionsInTurn(createRoom(UNPACKING)),
    requestGate: noteRefusal,
  });
  for (const endpoint of deps.endpoints) addRoute(router, endpoint, deps);
  const all = [...router.handlers, refusedHere(IdempotencyService.method.session)];
  const handlers = new Map(all.map((handler) => [handler.requestPath, handler]));
  return {
    handlerOf(path) {
      const handler = handlers.get(path);
      return handler && ((request, response) => run(handler, request, response, deps));
    },
  };
}

/**
 * connect answers what it cannot decode before our code is reached, and quotes the input. Such a call is run a second
 * time, as an empty request that stands for `Malformed`: so it is observed and answered like any other.
 */
async function run(
  handler: UniversalHandler,
  request: IncomingMessage,
  response: ServerResponse,
  { clock, room }: HttpRpcDeps,
): Promise<void> {
  const attempt: Attempt = {
    ...{ reached: false, isAnswered: false, isSlow: false },
    answered: () => untilClosed(response).then((isFinished) => isFinished && attempt.isAnswered),
    certificate: () => certificateOfSocket(request.socket),
    enter: (bytes, signal) => enterInTurn({ room, response, bytes, signal }),
  };
  const onSlow = () => {
    attempt.isSlow = true;
  };
  const sending = { clock, method: handler.method, onSlow };
  const contextValues = createContextValues().set(ATTEMPT, attempt);
  const call = { ...universalRequest(request, response), contextValues } satisfies UniversalServerRequest;
  try {
    const answer = await handler(call);
    const { refused } = attempt;
    const cause = refused && !attempt.reached ? causeOf(refused) : undefined;
    if (cause === undefined) return await sendResponse(answer, response, sending);
    attempt.malformed = new Malformed(cause);
    await sendResponse(await handler({ ...call, ...emptyRequest(call) }), response, sending);
  } finally {
    // Of a body that was refused half read: its sender could not finish, nor the connection be used again. How long
    // this may take is bounded by the server's requestTimeout.
    request.resume();
  }
}

/** Whether it was sent whole, as far as Node knows. */
function untilClosed(response: ServerResponse): Promise<boolean> {
  if (response.closed || response.destroyed) return Promise.resolve(response.writableFinished);
  return new Promise((resolve) => {
    response.once("close", () => resolve(response.writableFinished));
  });
}

/**
 * The context is aborted with what the call failed with, before that is encoded. There is no other way to see an error
 * that connect raises itself.
 */
function noteRefusal(context: HandlerContext): void {
  const attempt = attemptOf(context);
  const note = () => {
    const { reason } = context.signal;
    if (!attempt.reached && reason instanceof ConnectError) attempt.refused = reason;
  };
  // Without any time it is over before it begins.
  if (context.signal.aborted) note();
  context.signal.addEventListener("abort", note);
}

function addRoute(router: ConnectRouter, endpoint: Endpoint, deps: HttpRpcDeps): void {
  if (endpoint.kind === "unary") addUnary(router, endpoint, deps);
  else addStream(router, endpoint, deps);
}

function addUnary(
  router: ConnectRouter,
  endpoint: Extract<Endpoint, { readonly kind: "unary" }>,
  { clock, random }: HttpRpcDeps,
): void {
  router.rpc(endpoint.method, async (request: Message, handlerContext: HandlerContext) => {
    const attempt = attemptOf(handlerContext);
    const context = httpContext(handlerContext, clock, attempt);
    try {
      const answer = async () => {
        const response = await endpoint.call(reach(request, attempt), context);
        const bytes = largeBytesOf(endpoint, response);
        if (bytes === 0 || (await attempt.enter(bytes, context.signal)) !== null) return response;
        throw toRpcError(new Fault("CANCELLED", "the caller went away"), context, random);
      };
      const response = await untilDeadline(answer(), context, random);
      if (speaksJson(handlerContext)) makePrintable(endpoint.method.output, response);
      attempt.isAnswered = true;
      return response;
    } catch (error) {
      throw connectError(error);
    }
  });
}

function addStream(
  router: ConnectRouter,
  endpoint: Extract<Endpoint, { readonly kind: "server_streaming" }>,
  { clock }: HttpRpcDeps,
): void {
  router.rpc(endpoint.method, async function* (request: Message, handlerContext: HandlerContext) {
    const attempt = attemptOf(handlerContext);
    const context = httpContext(handlerContext, clock, attempt);
    const messages = endpoint.call(reach(request, attempt), context)[Symbol.asyncIterator]();
    let isOver = false;
    let place: Place | null = null;
    try {
      for (let next = await messages.next(); !next.done; next = await messages.next()) {
        if (speaksJson(handlerContext)) makePrintable(endpoint.method.output, next.value);
        const bytes = largeBytesOf(endpoint, next.value);
        place = bytes === 0 ? null : await attempt.enter(bytes, context.signal);
        // Who has no room now has gone, or its deadline has passed: the source is asked once more, and says which.
        if (bytes > 0 && place === null) continue;
        yield next.value;
        place?.leave();
      }
      isOver = true;
    } catch (error) {
      isOver = true;
      throw connectError(error);
    } finally {
      place?.leave();
      if (!isOver) await (attempt.isSlow ? dismissSlowReader(messages) : messages.return?.());
    }
  });
}

function attemptOf({ values }: HandlerContext): Attempt {
  const attempt = values.get(ATTEMPT);
  if (attempt === null) throw new Error("bug: a call that was not run here");
  return attempt;
}

function reach(request: Message, attempt: Attempt): Message | Malformed {
  attempt.reached = true;
  return attempt.malformed ?? request;
}

function speaksJson({ requestHeader, url }: HandlerContext): boolean {
  const type = requestHeader.get("content-type");
  return type === null ? new URL(url).searchParams.get("encoding") === "json" : type.includes("json");
}

/** connect aborts the signal at the deadline and then waits on; the caller should not. */
function untilDeadline<T>(answer: Promise<T>, context: CallContext, random: () => number): Promise<T> {
  if (context.deadline === Number.POSITIVE_INFINITY) return answer;
  const exceeded = new Promise<never>((_, reject) => {
    const fail = () => {
      const fault = new Fault("DEADLINE_EXCEEDED", "the deadline passed; whether the call took effect is not known");
      reject(toRpcError(fault, context, random));
    };
    context.signal.addEventListener("abort", fail, { once: true });
    if (context.signal.aborted) fail();
  });
  return Promise.race([answer, exceeded]);
}
