import { describe, expect, test } from "vitest";
import { vectorsOf } from "../../../conformance/vectors.ts";
import { providerKey } from "../../../src/client/client.ts";
import { job, start } from "./one-job.ts";

const record = { tenant: "default", scope: job.scope, key: job.key };

describe("the key for a provider", () => {
  test.each(vectorsOf("keys"))("$name", ({ ask, expected }) => {
    const { provider, ...name } = ask as typeof record & { readonly provider: string };
    const [derived, uuid] = [providerKey(name, provider, "text"), providerKey(name, provider, "uuid")];
    expect({ derived, uuid }).toEqual(expected);
  });

  test("is of the attempt's own record, with the tenant that the server put there", async () => {
    const { holdfast } = start();
    const done = await holdfast.once(job, ({ keyFor }) => [keyFor("stripe"), keyFor("stripe", "uuid")]);
    expect(done.value).toEqual([providerKey(record, "stripe", "text"), providerKey(record, "stripe", "uuid")]);
  });

  test("is the same in the next attempt, and another for another provider", async () => {
    const { holdfast } = start();
    const keys: string[] = [];
    const first = holdfast.once(job, ({ keyFor }) => {
      keys.push(keyFor("stripe"));
      throw new Error("busy");
    });
    await expect(first).rejects.toThrow("busy");
    await holdfast.once(job, ({ keyFor }) => void keys.push(keyFor("stripe"), keyFor("adyen")));
    expect(keys).toHaveLength(3);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test("is a UUID of version 8, or 43 characters that need no escaping in a header or a URL", () => {
    for (const provider of ["stripe", "adyen", "bücher", ""]) {
      expect(providerKey(record, provider, "text")).toMatch(/^[\w-]{43}$/);
      expect(providerKey(record, provider, "uuid")).toMatch(
        /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
      );
    }
  });

  test("refuses a name that UTF-8 cannot carry, and says which and what is allowed", () => {
    expect(() => providerKey(record, "\ud800", "text")).toThrow("provider must be well-formed text");
  });
});
