import { expect, test } from "vitest";
import { createTokenSource } from "../../../src/server/tokens.ts";

test("every token has 16 bytes and differs from all others, over several draws", () => {
  const newToken = createTokenSource();
  const tokens = Array.from({ length: 1000 }, () => newToken());
  expect(tokens.every((token) => token.length === 16)).toBe(true);
  expect(new Set(tokens.map((token) => Buffer.from(token).toString("hex"))).size).toBe(1000);
});
