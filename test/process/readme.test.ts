import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createTestDatabase } from "../support/database.ts";
import { startServer } from "./server.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

test("the commands that the README shows claim, refuse, complete and replay", async () => {
  const script = /```sh\n(api=[\s\S]*?)```/.exec(README)?.[1] ?? "";
  const database = await createTestDatabase();
  try {
    await using server = await startServer({ databaseUrl: database.url });
    const here = script.replace("http://127.0.0.1:7401", server.http);
    const { stdout } = await promisify(execFile)("sh", ["-ec", here]);
    const told = stdout.match(/CLAIM_OUTCOME_\w+|"inline":"b2s="/g);
    expect(told).toEqual([
      "CLAIM_OUTCOME_ACQUIRED",
      "CLAIM_OUTCOME_IN_PROGRESS",
      "CLAIM_OUTCOME_COMPLETED",
      '"inline":"b2s="',
    ]);
  } finally {
    await database.drop();
  }
});

test("the examples run as they are: one does the work once, the other is told of it", async () => {
  const database = await createTestDatabase();
  const run = async (example: string, ...args: readonly string[]) => {
    const path = fileURLToPath(new URL(`../../examples/typescript/${example}`, import.meta.url));
    return (await promisify(execFile)(process.execPath, [path, ...args])).stdout;
  };
  try {
    await using server = await startServer({ databaseUrl: database.url });
    const watching = run("watch.ts", "order-1042", server.grpc);
    expect(await run("once.ts", server.grpc)).toContain("charged now:");
    expect(await run("once.ts", server.grpc)).toContain("charged before:");
    expect(await watching).toContain("chargeId");
  } finally {
    await database.drop();
  }
});
