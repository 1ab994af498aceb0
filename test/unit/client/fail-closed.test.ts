import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { HoldfastError } from "../../../src/client/client.ts";
import { type FakeServer, unavailable } from "./fake-server.ts";
import { job, start, thrown } from "./one-job.ts";

/** No call reaches the server from now on. */
function cut(server: FakeServer): void {
  server.meddle = () => Promise.reject(unavailable());
}

describe("calls that fail closed", () => {
  test("are refused at once while the breaker is open, with failFast", async () => {
    const { server, clock, count } = start();
    const holdfast = server.client({ breaker: { failures: 2, openMs: 600_000, failFast: true } });
    cut(server);
    await thrown(clock.until(holdfast.once(job, () => 1)));
    const asked = count("claim");
    const error = await thrown(holdfast.once(job, () => 1));
    expect(error).toMatchObject({ name: "CircuitOpenError", reason: "CIRCUIT_OPEN", code: Code.Unavailable });
    expect((error as HoldfastError).retryAfterMs).toBeGreaterThan(500_000);
    expect(count("claim")).toBe(asked);
  });

  test("try all the same without it, and close the breaker", async () => {
    const { server, clock } = start();
    const holdfast = server.client({ breaker: { failures: 1, openMs: 600_000 } });
    cut(server);
    await thrown(clock.until(holdfast.once(job, () => 1)));
    server.meddle = (_, pass) => pass();
    expect(holdfast.breaker.state).toBe("open");
    expect((await holdfast.once(job, () => 1)).protected).toBe(true);
    expect(holdfast.breaker.state).toBe("closed");
  });
});
