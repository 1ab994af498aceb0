import type { ResultJson } from "../../rpc/wire/record-json.ts";

/** A result for people: its text, or in brackets what there is instead. */
export interface ResultText {
  readonly isText: boolean;
  readonly text: string;
}

/** What would move the cursor or colour the screen is no text, but line breaks and tabs are. */
const STEERING = /(?![\n\r\t])[\p{Cc}\p{Cf}]/u;

export function resultText(result: ResultJson): ResultText {
  const { inline, reference, omittedReason, contentType } = result;
  if (reference !== undefined) return instead(`kept elsewhere: ${reference.uri}`);
  if (inline === undefined) return instead(`not kept: ${omittedReason ?? ""}`);
  const bytes = Buffer.from(inline, "base64");
  if (bytes.length === 0) return instead("no bytes");
  const text = textOf(bytes);
  return text === null
    ? instead(
        `${bytes.length} bytes, ${contentType || "of no type"}; --raw prints them, --output json has them in base64`,
      )
    : { isText: true, text };
}

function instead(what: string): ResultText {
  return { isText: false, text: `(${what})` };
}

/** Null when they are no text. */
function textOf(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return STEERING.test(text) ? null : text;
  } catch {
    return null;
  }
}
