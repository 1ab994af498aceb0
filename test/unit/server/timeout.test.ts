import { expect, test } from "vitest";
import { TIMEOUT_MS_MAX } from "../../../src/server/limits.ts";
import { clampConnectTimeout, clampGrpcTimeout, parseGrpcTimeout } from "../../../src/server/timeout.ts";

test.each([
  ["100m", 100],
  ["2S", 2000],
  ["1M", 60_000],
  ["1H", 3_600_000],
  ["500u", 0.5],
  ["0n", 0],
  ["2592000S", TIMEOUT_MS_MAX],
  ["99999999H", TIMEOUT_MS_MAX],
])("the timeout %s is %d ms", (text, ms) => {
  expect(parseGrpcTimeout(text)).toBeCloseTo(ms, 6);
});

test.each(["", "1", "S", "-1S", "1.5S", "123456789S", "1S ", "1s", "0x1S", "1S1S"])("%j is no timeout", (text) => {
  expect(parseGrpcTimeout(text)).toBeUndefined();
});

test("what does not fit a timer is cut to what does; everything else stays as it is", () => {
  expect(clampGrpcTimeout("99999999H")).toBe("2147483S");
  expect(clampGrpcTimeout("1H")).toBe("1H");
  expect(clampGrpcTimeout("abc")).toBe("abc");
  expect(clampConnectTimeout("9999999999")).toBe(String(TIMEOUT_MS_MAX));
  expect(clampConnectTimeout("100")).toBe("100");
  expect(clampConnectTimeout("abc")).toBe("abc");
});
