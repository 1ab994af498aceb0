import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { Attempt } from "../../client/public.ts";
import { setAttempt } from "../attempts.ts";
import type { Idempotency } from "../http/idempotency.ts";
import { isJson, mediaTypeOf, type RequestBody } from "../http/request.ts";
import type { Answer } from "../http/response.ts";
import { BrokenOff, mute } from "./break-off.ts";
import { Abandoned, type Capture, captureResponse } from "./capture.ts";

/** What Express, Fastify and Nest's requests have in common. */
export interface ParsedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** As a parser has left it; undefined when none was there, or there is no body. */
  readonly body?: unknown;
  /** Whether somebody has read the body, where the request is Node's own. */
  readonly readableDidRead?: boolean;
}

/** One request of a framework above node:http. */
export interface NodeExchange<Req extends ParsedRequest> {
  readonly request: Req;
  /** Path and query. */
  readonly target: string;
  readonly route: string;
  readonly response: ServerResponse;
  /** Other objects by which `attemptOf` is to find the attempt. */
  readonly also?: readonly object[];
  /** Runs the handler. Called once, or not at all. */
  readonly proceed: () => void;
  /** Sends an answer as the framework does. Default: as Node does. */
  readonly send?: (answer: Answer) => void;
  /** Goes on behind an answer that is sent without the handler; what it writes is thrown away: see `nest`. */
  readonly proceedInstead?: () => void;
}

/** @throws what no client has caused, and the framework's error handler is to answer: an option's mistake, say */
export async function handleNode<Req extends ParsedRequest>(
  idempotency: Idempotency<Req>,
  exchange: NodeExchange<Req>,
): Promise<void> {
  const { request, target, route, response, also = [], proceed, proceedInstead } = exchange;
  const { send = (answer) => sendAnswer(response, answer) } = exchange;
  const gone = new AbortController();
  const onClose = () => gone.abort();
  response.once("close", onClose);
  let capture: Capture | undefined;
  const run = async (attempt: Attempt) => {
    setAttempt(attempt, request, ...also);
    // Before it begins: a body over the bound goes out at once, and its head with it.
    if (!attempt.isProtected) response.setHeader("Idempotency-Unprotected", "true");
    capture = captureResponse(response, idempotency.responseBytesMax, onClose);
    capture.abandonWith(attempt.signal);
    proceed();
    return await capture.done;
  };
  const { method, headers } = request;
  const call = {
    ...{ request, method: method.toUpperCase(), target, route, gone: gone.signal },
    header: (name: string) => textOf(headers[name]),
    body: () => bodyOf(request),
  };
  const handled = await idempotency.handle(call, run).catch((error: unknown) => {
    if (error instanceof Abandoned) return undefined;
    if (error instanceof BrokenOff) {
      capture?.breakOff();
      return undefined;
    }
    throw error;
  });
  switch (handled?.kind) {
    case undefined:
      return;
    case "passed":
      proceed();
      return;
    case "ran":
      capture?.release(handled.marks);
      return;
    case "answer":
      if (capture !== undefined) capture.replace(handled.answer);
      else {
        send(handled.answer);
        if (proceedInstead === undefined) return;
        mute(response);
        proceedInstead();
      }
  }
}

/** A list is joined as HTTP joins it. */
function textOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "object" ? value.join(", ") : value;
}

function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  response.statusCode = status;
  for (const [name] of headers) response.removeHeader(name);
  for (const [name, value] of headers) response.appendHeader(name, value);
  response.end(body);
}

function bodyOf({ body, headers, readableDidRead }: ParsedRequest): RequestBody {
  if (body instanceof Uint8Array) return { kind: "bytes", bytes: body };
  const mediaType = mediaTypeOf(headers["content-type"]);
  const hasBody = Number(headers["content-length"] ?? 0) > 0 || headers["transfer-encoding"] !== undefined;
  if (hasBody && mediaType.startsWith("multipart/")) {
    return unusable("of a multipart body, files are not in request.body: give a `fingerprint` that knows them");
  }
  if (hasBody && (body === undefined || (isEmptyObject(body) && !mayBeEmpty(mediaType, readableDidRead)))) {
    return unusable(`the body of type "${mediaType}" is not parsed: put what parses it in front of idempotency`);
  }
  return body === undefined ? { kind: "none" } : { kind: "parsed", value: body };
}

function unusable(why: string): RequestBody {
  return { kind: "unusable", why };
}

/** What Express 4 leaves where no parser was for the body, or a parser has found nothing. */
function isEmptyObject(body: unknown): boolean {
  return typeof body === "object" && body !== null && !Array.isArray(body) && Object.keys(body).length === 0;
}

function mayBeEmpty(mediaType: string, didRead: boolean | undefined): boolean {
  return (isJson(mediaType) || mediaType === "application/x-www-form-urlencoded") && didRead !== false;
}
