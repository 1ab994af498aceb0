/** What a request's `Idempotency-Key` says. `why` is for people, and quotes nothing of the value. */
export type KeyField =
  | { readonly kind: "absent" }
  | { readonly kind: "malformed"; readonly why: string }
  | { readonly kind: "key"; readonly key: string };

export interface KeySyntax {
  /** "string": only what the draft has, a quoted string. "any": a bare value too, which is what most clients send. */
  readonly keySyntax: "any" | "string";
  /** Characters, which are bytes: keys are ASCII. */
  readonly keyLengthMax: number;
  readonly keyPattern: RegExp | undefined;
}

const CHARS = String.raw`"(?:[ !#-[\]-~]|\\["\\])*"`;
/** Any of the bare items: numbers and dates, strings, tokens, bytes, booleans, display strings. */
const ITEM = [
  String.raw`@?-?\d{1,15}`,
  String.raw`-?\d{1,12}\.\d{1,3}`,
  CHARS,
  ":[A-Za-z0-9+/=]*:",
  String.raw`[A-Za-z*][!#$%&'*+\-.^_\x60|~0-9A-Za-z:/]*`,
  String.raw`\?[01]`,
  '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"',
].join("|");
/** A structured field's String (RFC 9651, 3.3.3), and parameters after it (3.1.2), which mean nothing here. */
const STRING = new RegExp(`^(${CHARS})(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:${ITEM}))?)*$`);
/** Without quotes: visible ASCII but what would make it a list, a parameter or a broken string. */
const BARE = /^[!#-+\--:<-[\]-~]+$/;

/**
 * Reads the field as it came. Whoever sends it twice sends a list, for that is how HTTP joins fields, and a list is no
 * key: the draft forbids it. The value within the quotes and the bare value are the same key.
 */
export function readKey(field: string | undefined, syntax: KeySyntax): KeyField {
  if (field === undefined) return { kind: "absent" };
  const key = keyOf(field.trim(), syntax);
  if (key === undefined) {
    const bare = syntax.keySyntax === "any" ? ", or the same without quotes" : "";
    return malformed(`it must be one string in double quotes, such as "8e03978e-40d5-43e8-bc93-6894a57f9324"${bare}`);
  }
  if (key.length === 0 || key.length > syntax.keyLengthMax) {
    return malformed(`it must have 1 to ${syntax.keyLengthMax} characters`);
  }
  if (syntax.keyPattern !== undefined && !syntax.keyPattern.test(key)) {
    return malformed(`it must match ${syntax.keyPattern.source}`);
  }
  return { kind: "key", key };
}

function keyOf(field: string, { keySyntax }: KeySyntax): string | undefined {
  const quoted = STRING.exec(field)?.[1];
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
  return keySyntax === "any" && BARE.test(field) ? field : undefined;
}

function malformed(why: string): KeyField {
  return { kind: "malformed", why };
}
