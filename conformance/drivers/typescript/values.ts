import { canonicalJson } from "../../../src/client/client.ts";
import { Named } from "./errors.ts";

/** What a caller has got, as the protocol tells it. */
export function told(value: unknown): { readonly value: string | null; readonly base64?: string } {
  if (value instanceof Uint8Array) return { value: null, base64: Buffer.from(value).toString("base64") };
  return { value: value === undefined ? null : canonicalJson(value) };
}

/** What a request carries: a JSON text, bytes, or nothing. */
export function given({ value, base64 }: { readonly value?: string | null; readonly base64?: string }): unknown {
  if (base64 !== undefined) return new Uint8Array(Buffer.from(base64, "base64"));
  return value === undefined || value === null ? undefined : parse(value);
}

export function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Named("InvalidInput", error instanceof Error ? error.message : String(error));
  }
}
