import { randomFillSync } from "node:crypto";

const TOKEN_BYTES = 16;
const TOKENS_AT_ONCE = 256;

/** Fresh lease tokens. Random bytes are drawn for many at once: one draw each was 4 % of a replay. */
export function createTokenSource(): () => Uint8Array {
  let pool = new Uint8Array();
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = randomFillSync(new Uint8Array(TOKEN_BYTES * TOKENS_AT_ONCE));
      used = 0;
    }
    used += TOKEN_BYTES;
    return pool.subarray(used - TOKEN_BYTES, used);
  };
}
