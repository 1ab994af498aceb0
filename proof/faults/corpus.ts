import { keyTriples } from "../../test/support/key-triples.ts";
import type { Key } from "./calls.ts";

/** Joined by a hyphen, which is all that a tenant's name may have, or by nothing, with what a scope begins with. */
export const CORPUS_TENANTS = ["a", "a-b", "a-b-c", "ab", "a1", "a-1"];
const TENANT_TEXT = "a-b-c-1-a-b";

/**
 * So many names of records, no two alike, that are the same once they are joined, escaped, folded, trimmed, normalised or
 * cut in one of the ways in which that is done; and tenants whose names are the beginnings of scopes. The same for the
 * same seed.
 */
export function corpusOf(count: number, seed: number): readonly Key[] {
  const made = new Map<string, Key>();
  const add = (key: Key) => made.set(JSON.stringify([key.tenant, key.scope, key.key]), key);
  for (const key of tenantCuts()) add(key);
  // Several of the corpus differ in their tenant alone, which no server knows.
  for (const { scope, key } of keyTriples(4 * count, seed)) {
    if (made.size >= count) break;
    add({ tenant: "", scope, key });
  }
  return [...made.values()];
}

function* tenantCuts(): Generator<Key> {
  for (const separator of ["-", ":", "/", "|", "", "\u0001", "\u001f", ".", "--"]) {
    const text = TENANT_TEXT.replaceAll("-", separator);
    for (const tenant of CORPUS_TENANTS) {
      for (let at = 1; at < text.length; at++) {
        const [scope, key] = [text.slice(0, at), text.slice(at)];
        yield { tenant, scope, key };
        yield { tenant, scope: `${separator}${scope}`, key };
        yield { tenant, scope, key: `${separator}${key}` };
      }
    }
  }
}
