import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { RULE_TESTS_FILE, RULES_FILE, readRules } from "../support/observability.ts";
import { describeWith } from "./support/programs.ts";

const run = promisify(execFile);
const CONFIG_FILE = new URL("../../deploy/prometheus/prometheus.yml", import.meta.url);

await describeWith(["promtool"], "the rules, as promtool judges them", ({ promtool }) => {
  const say = async (...args: readonly string[]) => {
    const { stdout, stderr } = await run(promtool.path, args, { env: { ...process.env, ...promtool.env } });
    return stdout + stderr;
  };

  test("are well formed", async () => {
    const { alerts, recordings } = readRules();
    const said = await say("check", "rules", "--lint=all", "--lint-fatal", fileURLToPath(RULES_FILE));
    expect(said).toContain(`SUCCESS: ${alerts.length + recordings.length} rules found`);
  });

  test("fire when they should and are silent when they should be", async () => {
    expect(await say("test", "rules", fileURLToPath(RULE_TESTS_FILE))).toContain("SUCCESS");
  });

  test("are found by the example of a configuration", async () => {
    expect(await say("check", "config", fileURLToPath(CONFIG_FILE))).toContain("SUCCESS: 1 rule files found");
  });
});
