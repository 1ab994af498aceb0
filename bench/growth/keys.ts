import { createHash, randomUUID } from "node:crypto";

/** The key of the old record with this number: a UUID as text, as random as any, and found again. fill.ts has it in SQL. */
export function keyOf(number: number): string {
  const hex = createHash("md5").update(String(number)).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A UUID of version 7: the milliseconds of the clock, then chance. Keys that are made one after the other lie together. */
export function timeOrderedKey(): string {
  const time = Math.floor(performance.timeOrigin + performance.now())
    .toString(16)
    .padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
