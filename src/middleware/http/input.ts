import type { Settings } from "./options.ts";
import type { ProblemCode, ProblemDetail } from "./problem.ts";
import { type Call, type Content, comparable, inputOf, mediaTypeOf } from "./request.ts";

export type Input =
  | { readonly kind: "input"; readonly value: Uint8Array }
  | { readonly kind: "refused"; readonly code: ProblemCode; readonly more?: ProblemDetail };

/** What must be the same when the key is used again: the request as it came, not only what its route has in common. */
export async function readInput<Req>(settings: Settings<Req>, call: Call<Req>): Promise<Input> {
  const { requestBytesMax, fingerprint } = settings;
  const large = { detail: `At most ${requestBytesMax} bytes are accepted.` };
  const tooLarge: Input = { kind: "refused", code: "body-too-large", more: large };
  if (Number(call.header("content-length") ?? 0) > requestBytesMax) return tooLarge;
  const body = await call.body();
  if (body.kind === "too-large") return tooLarge;
  const { method, target } = call;
  if (fingerprint !== undefined) {
    const value = await fingerprint(call.request);
    const content: Content = value instanceof Uint8Array ? { kind: "bytes", bytes: value } : { kind: "parsed", value };
    return { kind: "input", value: inputOf({ method, target, kind: content.kind }, comparable(content, "")) };
  }
  if (body.kind === "unusable") throw new TypeError(body.why);
  const mediaType = mediaTypeOf(call.header("content-type"));
  try {
    const content = comparable(body, mediaType);
    if (content.length > requestBytesMax) return tooLarge;
    return { kind: "input", value: inputOf({ method, target, mediaType, kind: body.kind }, content) };
  } catch (error) {
    if (error instanceof TypeError) return { kind: "refused", code: "body-not-canonical" };
    throw error;
  }
}
