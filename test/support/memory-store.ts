import { createMemoryStore } from "../../src/store/memory.ts";
import type { StoreUnderTest } from "../store/contract.ts";
import { freshToken, NOW } from "./records.ts";

/** An empty memory store under a clock of its own. */
export async function openMemoryStore(): Promise<StoreUnderTest> {
  let now = NOW;
  return {
    store: createMemoryStore({ now: () => now, newToken: freshToken }),
    now: () => now,
    setNow(instant) {
      now = instant;
    },
    async close() {},
  };
}
