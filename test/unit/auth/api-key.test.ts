import { describe, expect, test, vi } from "vitest";
import { type ApiKeyAuthenticator, createApiKeyAuthenticator } from "../../../src/auth/api-key.ts";
import { matchSecret } from "../../../src/auth/api-key-secret.ts";
import type { ApiKeyInput } from "../../../src/auth/api-keys.ts";
import { CREDENTIALS_INVALID_TEXT } from "../../../src/auth/credentials-invalid.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { loggedError } from "../../../src/telemetry/log.ts";
import { createMemoryApiKeyTable, freshApiKey } from "../../support/api-key-table.ts";
import { NOW } from "../../support/records.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";

const NEVER = Number.POSITIVE_INFINITY;
const CHANGE = { actor: "command-line", reason: "" };
const GONE = new Fault("STORE_UNAVAILABLE", "The store does not answer.");

/** Ten tenants that have as many keys as they may, or nearly. */
const CROWD = Array.from({ length: 10 }, (_, i) => `crowd-${i}`);

/** An authenticator over a table that counts what it is asked and can go away or hang. */
function scene() {
  let now = NOW;
  const clock = createManualClock();
  const table = createMemoryApiKeyTable(() => now, ["acme", "other", ...CROWD]);
  const reads: string[] = [];
  const matches = vi.fn(matchSecret);
  let state: "there" | "away" | "hanging" = "there";
  let release = Promise.withResolvers<void>();
  const authenticator = createApiKeyAuthenticator({
    table: {
      async read(id, deadline) {
        reads.push(id);
        if (state === "away") throw GONE;
        const row = await table.read(id, deadline);
        if (state === "hanging") await release.promise;
        return row;
      },
    },
    clock,
    now: () => now,
    matches,
  });
  return {
    ...{ authenticator, clock, table, reads, matches },
    become(next: typeof state) {
      state = next;
    },
    answer() {
      release.resolve();
      release = Promise.withResolvers();
    },
    /** Both the process's time and the world's. */
    async pass(ms: number) {
      now = addMs(now, ms);
      await clock.advance(ms);
    },
    async make(more: Partial<ApiKeyInput> = {}) {
      const { input, text } = freshApiKey(more);
      await table.create(input, CHANGE);
      return { id: input.id, text };
    },
  };
}

const codeOf = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "in",
    (thrown: unknown) => (thrown instanceof Fault ? thrown.code : String(thrown)),
  );

const enter = (authenticator: ApiKeyAuthenticator, text: string, deadline = NEVER) =>
  codeOf(authenticator.authenticate(text, deadline));

const MINUTE = 60_000;

describe("a good key", () => {
  test("is its tenant, its roles and its name", async () => {
    const { authenticator, make } = scene();
    const { id, text } = await make({ tenant: "acme", roles: new Set(["operate"]) });
    expect(await authenticator.authenticate(text, NEVER)).toEqual({
      tenant: "acme",
      roles: new Set(["operate"]),
      authenticated: true,
      name: `api-key:${id}`,
    });
  });

  test("of every tenant is of no single one", async () => {
    const { authenticator, make } = scene();
    const { text } = await make({ tenant: null });
    expect((await authenticator.authenticate(text, NEVER)).tenant).toBeNull();
  });

  test("is looked up once, and the same principal is given each time", async () => {
    const { authenticator, make, reads } = scene();
    const { text } = await make();
    const first = await authenticator.authenticate(text, NEVER);
    expect(await authenticator.authenticate(text, NEVER)).toBe(first);
    expect(reads).toHaveLength(1);
  });

  test("is good until the instant at which it expires", async () => {
    const { authenticator, make, pass } = scene();
    const { text } = await make({ lifetimeMs: MINUTE });
    await pass(MINUTE - 1);
    expect(await enter(authenticator, text)).toBe("in");
    await pass(1);
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
  });
});

/** Every way to be refused; each is a well-formed key but the last two. */
const REFUSED: readonly [string, (own: ReturnType<typeof scene>) => Promise<string>, hashes: number][] = [
  ["an unknown id", async () => freshApiKey().text, 1],
  [
    "the right id with a wrong secret",
    async ({ make }) => `hf_${(await make()).id}.${freshApiKey().text.split(".")[1]}`,
    1,
  ],
  [
    "a revoked key",
    async ({ make, table }) => {
      const { id, text } = await make();
      await table.revoke(id, null, CHANGE);
      return text;
    },
    1,
  ],
  [
    "an expired key",
    async ({ make, pass }) => {
      const { text } = await make({ lifetimeMs: MINUTE });
      await pass(MINUTE);
      return text;
    },
    1,
  ],
  ["what is no key", async () => "hf_nothing", 0],
  ["a key of 1 MiB", async () => `${freshApiKey().text}${"A".repeat(1024 * 1024)}`, 0],
];

describe.each(REFUSED)("%s", (_, textOf, hashes) => {
  test("is refused with the one text, and as much is hashed as for any other", async () => {
    const own = scene();
    const text = await textOf(own);
    await expect(own.authenticator.authenticate(text, NEVER)).rejects.toMatchObject({
      code: "CREDENTIALS_INVALID",
      message: CREDENTIALS_INVALID_TEXT,
      violations: [],
      retryAfterMs: null,
    });
    expect(own.matches).toHaveBeenCalledTimes(hashes);
  });

  test("leaves no secret in the error, nor in what is logged of it", async () => {
    const own = scene();
    const text = await textOf(own);
    const thrown: unknown = await own.authenticator.authenticate(text, NEVER).catch((error: unknown) => error);
    const logged = JSON.stringify(loggedError(thrown));
    const secret = text.split(".")[1]?.slice(0, 43) ?? "nothing";
    expect(logged).toContain("cause");
    expect(logged).not.toContain(secret);
  });
});

describe("probing for an id costs the same look-ups, whether there is such a key or not:", () => {
  /** How many look-ups each of these calls made: three at once, and one a second later. */
  const probe = async (own: ReturnType<typeof scene>, text: string) => {
    const costs: number[] = [];
    for (const waitMs of [0, 0, 0, 1000]) {
      await own.pass(waitMs);
      const before = own.reads.length;
      expect(await enter(own.authenticator, text)).toBe("CREDENTIALS_INVALID");
      costs.push(own.reads.length - before);
    }
    return costs;
  };

  const wrong = (id: string) => `hf_${id}.${freshApiKey().text.split(".")[1]}`;

  test.each<[string, (own: ReturnType<typeof scene>) => Promise<string>]>([
    ["there is none", async () => freshApiKey().text],
    ["it is not known here yet", async ({ make }) => wrong((await make()).id)],
    [
      "it is in use here",
      async ({ make, authenticator }) => {
        const { id, text } = await make();
        await enter(authenticator, text);
        return wrong(id);
      },
    ],
  ])("%s", async (_, textOf) => {
    const own = scene();
    expect(await probe(own, await textOf(own))).toEqual([1, 0, 0, 1]);
  });

  test("when guesses are spent, none", async () => {
    const own = scene();
    const { id, text } = await own.make();
    await enter(own.authenticator, text);
    for (let guesses = 0; guesses < 200; guesses++) await enter(own.authenticator, freshApiKey().text);
    const before = own.reads.length;
    for (const probed of [wrong(id), wrong((await own.make()).id), freshApiKey().text]) {
      expect(await own.authenticator.authenticate(probed, NEVER).catch((thrown: unknown) => thrown)).toMatchObject({
        ...{ code: "OVERLOADED", message: "too many unknown API keys are asked for", retryAfterMs: 100 },
      });
    }
    expect(own.reads).toHaveLength(before);
    expect(await enter(own.authenticator, text)).toBe("in");
  });

  test("while the database is away, none of them can be told", async () => {
    const own = scene();
    const { id, text } = await own.make();
    await enter(own.authenticator, text);
    own.become("away");
    for (const probed of [wrong(id), freshApiKey().text]) {
      expect(await enter(own.authenticator, probed)).toBe("STORE_UNAVAILABLE");
    }
  });
});

test("a key that is refused is told apart in the log", async () => {
  const own = scene();
  const causes = [];
  for (const [, textOf] of REFUSED) {
    const thrown: unknown = await own.authenticator.authenticate(await textOf(own), NEVER).catch((error) => error);
    causes.push(String((thrown as Error).cause).replaceAll(/key [A-Za-z0-9]{16}/g, "key ID"));
  }
  expect(causes).toEqual([
    "Error: no such API key",
    "Error: a wrong secret for API key ID",
    "Error: API key ID is revoked",
    "Error: API key ID is expired",
    "Error: not of the form of an API key",
    "Error: not of the form of an API key",
  ]);
});

describe("a change", () => {
  test("that is told of is seen at once: a revoked key opens nothing any more", async () => {
    const { authenticator, make, table } = scene();
    const { id, text } = await make();
    expect(await enter(authenticator, text)).toBe("in");
    await table.revoke(id, null, CHANGE);
    expect(await enter(authenticator, text), "not told yet").toBe("in");
    authenticator.changed(id);
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
  });

  test("that is told of makes a key known that had been asked for too early", async () => {
    const { authenticator, table } = scene();
    const { input, text } = freshApiKey();
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
    await table.create(input, CHANGE);
    expect(await enter(authenticator, text), "not told yet").toBe("CREDENTIALS_INVALID");
    authenticator.changed(input.id);
    expect(await enter(authenticator, text)).toBe("in");
  });

  test("that comes while the key is read makes what was read worthless to later callers", async () => {
    const { authenticator, make, table, become, answer } = scene();
    const { id, text } = await make();
    become("hanging");
    const early = enter(authenticator, text);
    await settled();
    await table.revoke(id, null, CHANGE);
    authenticator.changed(id);
    become("there");
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
    answer();
    expect(await early, "it called before the change").toBe("in");
    expect(await enter(authenticator, text), "the old answer was not remembered").toBe("CREDENTIALS_INVALID");
  });

  test("that nobody told of is seen within a minute of use", async () => {
    const { authenticator, make, table, pass } = scene();
    const { id, text } = await make();
    await enter(authenticator, text);
    await table.revoke(id, null, CHANGE);
    await pass(MINUTE);
    expect(await enter(authenticator, text), "the read in the background begins with this call").toBe("in");
    await settled();
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
  });

  test("of a tenant makes its keys unknown, and no other tenant's", async () => {
    const { authenticator, make, reads } = scene();
    const [own, other] = [await make({ tenant: "acme" }), await make({ tenant: "other" })];
    for (const { text } of [own, other]) await enter(authenticator, text);
    authenticator.tenantChanged("acme");
    for (const { text } of [own, other]) await enter(authenticator, text);
    expect(reads).toEqual([own.id, other.id, own.id]);
  });

  test("may have been missed when news were lost: the key is asked for again first", async () => {
    const { authenticator, make, table } = scene();
    const { id, text } = await make();
    await enter(authenticator, text);
    await table.revoke(id, null, CHANGE);
    authenticator.lost();
    expect(await enter(authenticator, text)).toBe("CREDENTIALS_INVALID");
  });
});

describe("while the database is away", () => {
  test("a known key goes on working, for ten minutes without being confirmed", async () => {
    const { authenticator, make, become, pass } = scene();
    const { text } = await make();
    await enter(authenticator, text);
    become("away");
    for (let minute = 0; minute < 9; minute++) {
      await pass(MINUTE);
      expect(await enter(authenticator, text)).toBe("in");
    }
    await pass(MINUTE - 1);
    expect(await enter(authenticator, text)).toBe("in");
    await pass(1);
    expect(await enter(authenticator, text)).toBe("STORE_UNAVAILABLE");
    become("there");
    expect(await enter(authenticator, text), "and it is back with the database").toBe("in");
  });

  test("a key that is not known cannot be told from one that does not exist", async () => {
    const { authenticator, make, become } = scene();
    const { text } = await make();
    become("away");
    expect(await enter(authenticator, text)).toBe("STORE_UNAVAILABLE");
    expect(await enter(authenticator, freshApiKey().text)).toBe("STORE_UNAVAILABLE");
  });

  test("a key that has changed is not known", async () => {
    const { authenticator, make, become } = scene();
    const { id, text } = await make();
    await enter(authenticator, text);
    become("away");
    authenticator.changed(id);
    expect(await enter(authenticator, text)).toBe("STORE_UNAVAILABLE");
  });

  test("a known key works on though news were lost, and is asked for once in a second", async () => {
    const { authenticator, make, become, pass, reads } = scene();
    const { text } = await make();
    await enter(authenticator, text);
    become("away");
    authenticator.lost();
    for (let calls = 0; calls < 5; calls++) expect(await enter(authenticator, text)).toBe("in");
    expect(reads).toHaveLength(2);
    await pass(1000);
    await enter(authenticator, text);
    expect(reads).toHaveLength(3);
  });

  test("a database that says nothing holds a known key up for a quarter of a second once", async () => {
    const { authenticator, make, become, clock } = scene();
    const { text } = await make();
    await enter(authenticator, text);
    become("hanging");
    authenticator.lost();
    const entering = enter(authenticator, text);
    await clock.advance(249);
    expect(await Promise.race([entering, settled().then(() => "waiting")])).toBe("waiting");
    await clock.advance(1);
    expect(await entering).toBe("in");
    expect(await enter(authenticator, text), "at once").toBe("in");
  });
});

describe("looking up", () => {
  test("is done once for all who ask for a key at the same time", async () => {
    const { authenticator, make, reads } = scene();
    const { text } = await make();
    const all = await Promise.all(Array.from({ length: 50 }, () => enter(authenticator, text)));
    expect(new Set(all)).toEqual(new Set(["in"]));
    expect(reads).toHaveLength(1);
  });

  test("is waited for until each caller's own deadline", async () => {
    const { authenticator, make, become, answer, clock } = scene();
    const { text } = await make();
    become("hanging");
    const hasty = enter(authenticator, text, clock.monotonicMs() + 100);
    const patient = enter(authenticator, text);
    await clock.advance(100);
    expect(await hasty).toBe("DEADLINE_EXCEEDED");
    answer();
    expect(await patient).toBe("in");
    expect(clock.sleepers, "no timer is left behind").toBe(0);
  });

  test("an unknown id is not looked up again within a second", async () => {
    const { authenticator, pass, reads } = scene();
    const { text } = freshApiKey();
    for (let calls = 0; calls < 3; calls++) await enter(authenticator, text);
    expect(reads).toHaveLength(1);
    await pass(1000);
    await enter(authenticator, text);
    expect(reads).toHaveLength(2);
  });

  test("guessed ids are looked up 200 times, then 100 times a second; the others are told to come again", async () => {
    const { authenticator, pass, reads } = scene();
    const guess = async () => {
      const told: string[] = [];
      for (let guesses = 0; guesses < 300; guesses++) told.push(await enter(authenticator, freshApiKey().text));
      return told;
    };
    const times = (count: number, told: string) => Array.from({ length: count }, () => told);
    expect(await guess()).toEqual([...times(200, "CREDENTIALS_INVALID"), ...times(100, "OVERLOADED")]);
    expect(reads).toHaveLength(200);
    await pass(1000);
    expect(await guess()).toEqual([...times(100, "CREDENTIALS_INVALID"), ...times(200, "OVERLOADED")]);
    expect(reads).toHaveLength(300);
  });

  test("a good key that is not known yet is never said to be none because others guess, and is in soon after", async () => {
    const { authenticator, make, pass } = scene();
    const { text } = await make();
    for (let guesses = 0; guesses < 200; guesses++) await enter(authenticator, freshApiKey().text);
    const refusal: unknown = await authenticator.authenticate(text, NEVER).catch((thrown: unknown) => thrown);
    expect(refusal).toMatchObject({ code: "OVERLOADED", retryAfterMs: 100 });
    await pass(100);
    expect(await enter(authenticator, text)).toBe("in");
  });

  test("known keys are not held up by guesses, and cost none", async () => {
    const { authenticator, make, reads } = scene();
    const known = await make();
    await enter(authenticator, known.text);
    for (let guesses = 0; guesses < 300; guesses++) await enter(authenticator, freshApiKey().text);
    expect(await enter(authenticator, known.text)).toBe("in");
    const fresh = scene();
    const crowd = await Promise.all(Array.from({ length: 500 }, () => fresh.make()));
    for (const { text } of crowd) expect(await enter(fresh.authenticator, text)).toBe("in");
    expect(reads.length).toBeLessThanOrEqual(201);
  });

  test("no more than a thousand are under way at once", async () => {
    const { authenticator, make, become, answer, pass } = scene();
    const known = await make();
    await enter(authenticator, known.text);
    become("hanging");
    const first = Array.from({ length: 1000 }, () => enter(authenticator, freshApiKey().text));
    expect(await enter(authenticator, freshApiKey().text)).toBe("OVERLOADED");
    expect(await enter(authenticator, known.text), "a known key needs none").toBe("in");
    await pass(MINUTE);
    expect(await enter(authenticator, known.text), "nor when it is to be confirmed").toBe("in");
    authenticator.lost();
    expect(await enter(authenticator, known.text), "nor when news were lost").toBe("in");
    answer();
    expect(new Set(await Promise.all(first))).toEqual(new Set(["CREDENTIALS_INVALID"]));
  });

  test("ten thousand are remembered, and the one confirmed longest ago makes room", async () => {
    const { authenticator, make, reads } = scene();
    const oldest = await make();
    await enter(authenticator, oldest.text);
    const others = await Promise.all(Array.from({ length: 9999 }, (_, i) => make({ tenant: CROWD[i % 10] ?? null })));
    for (const { text } of others) await enter(authenticator, text);
    await enter(authenticator, oldest.text);
    expect(reads).toHaveLength(10_000);
    await enter(authenticator, (await make()).text);
    await enter(authenticator, oldest.text);
    expect(reads).toHaveLength(10_002);
  });
});
