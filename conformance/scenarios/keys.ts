import { deepEqual, notEqual } from "node:assert/strict";
import type { Scenario } from "./scenario.ts";

export const KEYS: readonly Scenario[] = [
  {
    name: "derives the same key for a provider in every attempt, in every language, and another for each provider",
    async play(stage) {
      const [client, other] = [await stage.client(), await stage.other()];
      const first = client.once("k");
      const work = await first.work();
      const before = await work.step("derive-key", { provider: "stripe" });
      await work.throws("retryable", "busy");
      await first.refused();
      const second = other.once("k");
      const again = await second.work();
      deepEqual(await again.step("derive-key", { provider: "stripe" }), before);
      notEqual((await again.step("derive-key", { provider: "adyen" }))["derived"], before["derived"]);
      await again.returns("1");
      await second.answered();
      // A server without authentication calls its tenant "default".
      const named = { tenant: "default", scope: stage.scope, key: "k", provider: "stripe" };
      for (const { driver } of [client, other]) deepEqual(await driver.ask("derive-key", named), before);
    },
  },
];
