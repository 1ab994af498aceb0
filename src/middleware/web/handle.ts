import type { Attempt } from "../../client/public.ts";
import type { Idempotency } from "../http/idempotency.ts";
import type { RequestBody } from "../http/request.ts";
import type { HeaderList } from "../http/response.ts";
import { captureWeb, readBody, toResponse } from "./capture.ts";

/** One request of a framework that speaks Request and Response. */
export interface WebExchange<Req> {
  readonly request: Req;
  /** What came in. */
  readonly raw: Request;
  readonly route: string;
  /** Takes a request whose body can be read again, in place of the one that came in. */
  readonly reread: (request: Request) => void;
  /** Runs the handler. */
  readonly respond: (attempt: Attempt) => Promise<Response>;
  /** The body of a request that somebody in front has read, where the framework has kept it. */
  readonly readAgain?: () => Promise<ArrayBuffer>;
}

export type WebHandled =
  | { readonly kind: "passed" }
  /** @param hasRun whether the handler has, and this is sent in the place of its answer or is that answer */
  | { readonly kind: "answer"; readonly response: Response; readonly hasRun: boolean };

/** @throws what the handler throws */
export async function handleWeb<Req>(idempotency: Idempotency<Req>, exchange: WebExchange<Req>): Promise<WebHandled> {
  const { request, raw, route, reread, respond, readAgain } = exchange;
  const { pathname, search } = new URL(raw.url);
  const early = Promise.withResolvers<WebHandled>();
  let own: Response | undefined;
  let release = () => {};
  const run = async (attempt: Attempt) => {
    const captured = await captureWeb(await respond(attempt), idempotency.responseBytesMax);
    const { isWhole, done } = captured;
    release = captured.release;
    own = captured.response;
    // What goes out before its end is known is marked before it goes.
    const response = attempt.isProtected ? own : marked(own, [["idempotency-unprotected", "true"]]);
    if (!isWhole) early.resolve({ kind: "answer", response, hasRun: true });
    return await done;
  };
  const body = async (): Promise<RequestBody> => {
    const max = idempotency.requestBytesMax;
    const bytes = raw.bodyUsed ? await readUsed(readAgain) : raw.body && (await readBody(raw.body, max));
    if (bytes === undefined) return { kind: "unusable", why: BODY_USED };
    if (bytes === null) return { kind: "none" };
    if (bytes === "too-large" || bytes.length > max) return { kind: "too-large" };
    reread(new Request(raw, { body: bytes }));
    return { kind: "bytes", bytes };
  };
  const header = (name: string) => raw.headers.get(name) ?? undefined;
  const call = { request, method: raw.method.toUpperCase(), target: pathname + search, route, header, body };
  const handling = async (): Promise<WebHandled> => {
    const handled = await idempotency.handle({ ...call, gone: raw.signal }, run).finally(() => release());
    if (handled.kind === "passed") return handled;
    if (handled.kind === "answer") {
      return { kind: "answer", response: toResponse(handled.answer), hasRun: own !== undefined };
    }
    if (own === undefined) throw new Error("bug: the handler has run without an answer");
    return { kind: "answer", response: marked(own, handled.marks), hasRun: true };
  };
  return await Promise.race([early.promise, handling()]);
}

const BODY_USED =
  "the body was read in front of idempotency, and is gone: put what reads it behind, or clone the request";

/** Undefined when nobody has kept it. */
async function readUsed(readAgain: WebExchange<unknown>["readAgain"]) {
  try {
    return readAgain && new Uint8Array(await readAgain());
  } catch {
    return undefined;
  }
}

/** A copy: the headers of some responses, such as `Response.redirect`, are nobody's to change. */
function marked(response: Response, marks: HeaderList): Response {
  if (marks.length === 0) return response;
  const copy = new Response(response.body, response);
  for (const [name, value] of marks) copy.headers.set(name, value);
  return copy;
}
