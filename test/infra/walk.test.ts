import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type ServerProcess, startServer } from "../process/server.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { RULES_FILE } from "../support/observability.ts";
import { describeWith } from "./support/programs.ts";
import { type Prometheus, startPrometheus } from "./support/prometheus.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
const [, walk = ""] = page.split("## The walk at 3 a.m.\n");
const [section = ""] = walk.split("\n## ");

interface Step {
  readonly commands: string;
  /** What the page says they print; an ellipsis stands for anything within a line. */
  readonly printed: string;
}

const STEPS: readonly Step[] = [...section.matchAll(/```sh\n(.*?)```\n\n```text\n(.*?)```/gs)].map(
  ([, commands = "", printed = ""]) => ({ commands, printed }),
);
const MARK = "=== next step ===";

await describeWith(["prometheus", "promtool"], "the walk of docs/operations.md", ({ prometheus, promtool }) => {
  let database: TestDatabase;
  let directory: string;
  let server: ServerProcess;
  let watch: Prometheus;

  beforeAll(async () => {
    database = await createTestDatabase();
    directory = await mkdtemp(join(tmpdir(), "holdfast-walk-"));
    await mkdir(join(directory, "bin"));
    const main = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, "src/main.ts")}' "$@"\n`;
    await writeFile(join(directory, "bin/holdfast"), main, { mode: 0o755 });
    server = await startServer({ databaseUrl: database.url, args: ["--sweep-interval", "500ms"] });
    const rules = readFileSync(RULES_FILE, "utf8");
    watch = await startPrometheus(prometheus, { targets: [new URL(server.http).host], rules });
  });

  afterAll(async () => {
    await watch?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await database?.drop();
    await rm(directory, { recursive: true });
  });

  test("every command has what it prints beside it", () => {
    expect(STEPS).toHaveLength(section.split("```sh").length - 1);
    expect(STEPS.length).toBeGreaterThanOrEqual(7);
  });

  test("leads from the killed worker over the alert to the waiter's result and the line in the audit log", async () => {
    // In one shell, because one of the steps goes on in the background of the others.
    const script = STEPS.map(({ commands }) => `${commands}\necho '${MARK}'\n`).join("");
    const path = [join(directory, "bin"), dirname(process.execPath), dirname(promtool.path), process.env["PATH"]];
    const shell = spawn(
      "bash",
      ["-c", `cd '${ROOT}'\n${script.replaceAll("waiter.txt", `'${directory}/waiter.txt'`)}`],
      {
        // A group of its own, so that nothing of it is left when a step never ends.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...promtool.env,
          ...{ PATH: path.join(":"), HOME: directory, PROMETHEUS: watch.url },
          ...{ HOLDFAST_SERVER: server.grpc, HOLDFAST_DATABASE_URL: database.url },
        },
      },
    );
    onTestFinished(() => endGroup(shell));
    const [printed, complaints] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    const parts = printed.split(`${MARK}\n`);
    for (const [i, step] of STEPS.entries()) expect(parts[i], complaints).toMatch(patternOf(step.printed));
  });
});

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

/** Columns are as wide as what stands in them. */
function patternOf(printed: string): RegExp {
  const parts = printed
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/ {2,}/g, " {2,}"));
  return new RegExp(`^${parts.join(".*")}$`);
}
