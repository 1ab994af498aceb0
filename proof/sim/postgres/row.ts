import { keyText, type RecordKey } from "../../../src/domain/key.ts";
import type { Flaw } from "./flaw.ts";

/** A row's place. Scope and key do not tell where one ends and the other begins unless their lengths are in it. */
export function rowOf(key: RecordKey, flaws: ReadonlySet<Flaw>): string {
  return flaws.has("joined-keys") ? `${key.tenant}/${key.scope}/${key.key}` : keyText(key);
}
