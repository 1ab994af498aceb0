import { createSecretKey, type KeyObject } from "node:crypto";

export interface MasterKey {
  readonly id: string;
  /** 256 bits. */
  readonly secret: KeyObject;
}

/** What the keys of tenants are wrapped with. */
export interface MasterKeys {
  /** Wraps from now on. */
  readonly current: MasterKey;
  /** The current one too; null: not configured here. */
  find(id: string): MasterKey | null;
}

/** Problems are sentences for whoever runs the server. They name lines and hold nothing of what is on them. */
export type ParsedMasterKeys =
  | { readonly kind: "master-keys"; readonly masterKeys: MasterKeys }
  | { readonly kind: "problems"; readonly problems: readonly string[] };

export const MASTER_KEYS_MAX = 64;

const ID = /^[a-z0-9-]{1,32}$/;
/** 32 bytes in base64. */
const SECRET = /^[A-Za-z0-9+/]{43}=$/;

/**
 * Reads the master key file: `ID:BASE64` of 32 bytes on each line, the first is current, the others unwrap only. Empty
 * lines and those that begin with # do not count.
 *
 * Not even an id is repeated in a problem: whoever swapped the two has written the secret in its place.
 */
export function parseMasterKeys(text: string): ParsedMasterKeys {
  const problems: string[] = [];
  const found: (MasterKey & { readonly line: number })[] = [];
  for (const [line, content] of contentOf(text)) {
    const read = readLine(content);
    if (typeof read === "string") {
      problems.push(`Line ${line} of the master keys ${read}.`);
      continue;
    }
    const same = found.find(({ id }) => id === read.id);
    if (same !== undefined) problems.push(`Lines ${same.line} and ${line} of the master keys have the same id.`);
    const twin = found.find(({ secret }) => secret.equals(read.secret));
    if (twin !== undefined) problems.push(`Lines ${twin.line} and ${line} of the master keys hold the same key.`);
    found.push({ ...read, line });
  }
  const [current] = found;
  if (found.length > MASTER_KEYS_MAX) problems.push(`There are more than ${MASTER_KEYS_MAX} master keys.`);
  if (current === undefined && problems.length === 0) problems.push("There is no master key.");
  if (current === undefined || problems.length > 0) return { kind: "problems", problems };
  const byId = new Map(found.map((key) => [key.id, key]));
  return { kind: "master-keys", masterKeys: { current, find: (id) => byId.get(id) ?? null } };
}

function contentOf(text: string): readonly (readonly [line: number, content: string])[] {
  return text
    .replace(/^\ufeff/, "")
    .split("\n")
    .map((content, i) => [i + 1, content.trim()] as const)
    .filter(([, content]) => content !== "" && !content.startsWith("#"));
}

/** A string says what is wrong. */
function readLine(content: string): MasterKey | string {
  const colon = content.indexOf(":");
  if (colon < 0) return "must be ID:BASE64";
  const [id, encoded] = [content.slice(0, colon).trim(), content.slice(colon + 1).trim()];
  if (!ID.test(id)) return 'must begin with an id of 1 to 32 of a-z, 0-9 and "-"';
  if (!SECRET.test(encoded)) return "must have 32 bytes in base64 after the colon";
  const bytes = Buffer.from(encoded, "base64");
  const secret = createSecretKey(bytes);
  bytes.fill(0);
  return { id, secret };
}
