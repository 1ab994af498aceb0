import { describe, expect, test } from "vitest";
import type { Credentials, Principal } from "../../../src/auth/authenticator.ts";
import { credentialsInvalid } from "../../../src/auth/credentials-invalid.ts";
import { rememberOnStreams } from "../../../src/auth/stream-principals.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createManualClock } from "../store/manual-clock.ts";

const SOMEBODY: Principal = { tenant: "acme", roles: new Set(["claim"]), authenticated: true, name: "api-key:x" };

function setUp() {
  const clock = createManualClock();
  let isGood = true;
  let asked = 0;
  const inner = async () => {
    asked++;
    if (!isGood) throw credentialsInvalid();
    return SOMEBODY;
  };
  const { authenticate } = rememberOnStreams({ authenticator: { authenticate: inner }, clock });
  const call = (stream?: object) => {
    const credentials: Credentials = { metadata: () => "x", certificate: () => null, ...(stream && { stream }) };
    return authenticate(credentials, Number.POSITIVE_INFINITY);
  };
  return { clock, call, asked: () => asked, revoke: () => (isGood = false), restore: () => (isGood = true) };
}

describe("who calls on a stream", () => {
  test("is asked once a second", async () => {
    const { clock, call, asked } = setUp();
    const stream = {};
    for (let i = 0; i < 5; i++) expect(await call(stream)).toBe(SOMEBODY);
    await clock.advance(999);
    await call(stream);
    expect(asked()).toBe(1);
    await clock.advance(1);
    await call(stream);
    expect(asked()).toBe(2);
  });

  test("is refused a second after his credentials are void, and with every call from then on", async () => {
    const { clock, call, asked, revoke, restore } = setUp();
    const stream = {};
    await call(stream);
    revoke();
    await clock.advance(1000);
    await expect(call(stream)).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
    await expect(call(stream)).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
    expect(asked()).toBe(3);
    restore();
    expect(await call(stream)).toBe(SOMEBODY);
  });

  test("is asked once for all calls of one moment, whether the answer is good or not", async () => {
    const { call, asked, revoke } = setUp();
    const stream = {};
    expect(await Promise.all([call(stream), call(stream), call(stream)])).toEqual([SOMEBODY, SOMEBODY, SOMEBODY]);
    expect(asked()).toBe(1);
    revoke();
    const other = {};
    const refused = await Promise.allSettled([call(other), call(other), call(other)]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(asked()).toBe(2);
    await expect(call(other)).rejects.toMatchObject({ code: "CREDENTIALS_INVALID" });
    expect(asked()).toBe(3);
  });

  test("is asked again for a call that has more time than the one that asked, and for one that has less", async () => {
    const clock = createManualClock();
    const deadlines: number[] = [];
    const { authenticate } = rememberOnStreams({
      clock,
      authenticator: {
        async authenticate(_credentials, deadline) {
          deadlines.push(deadline);
          if (deadline === Number.POSITIVE_INFINITY) return SOMEBODY;
          await clock.sleep(deadline - clock.monotonicMs());
          throw new Fault("DEADLINE_EXCEEDED", "too late");
        },
      },
    });
    const credentials: Credentials = { metadata: () => "x", certificate: () => null, stream: {} };
    const now = clock.monotonicMs();
    const call = (deadline: number) => authenticate(credentials, deadline).catch(({ code }: Fault) => code);
    const calls = [call(now + 500), call(now + 100), call(now + 100), call(now + 900), call(Number.POSITIVE_INFINITY)];
    expect(deadlines).toEqual([now + 500, now + 100]);
    await clock.advance(100);
    expect(await calls[1]).toBe("DEADLINE_EXCEEDED");
    await clock.advance(900);
    expect(await Promise.all(calls)).toEqual([
      ...["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"],
      SOMEBODY,
    ]);
  });

  test("is nobody's business on another stream, or without one", async () => {
    const { call, asked } = setUp();
    await call({});
    await call({});
    await call();
    await call();
    expect(asked()).toBe(4);
  });
});
