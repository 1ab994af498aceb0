import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("the server is put on a network as the README shows, and a wrong key is refused", async () => {
  const [serve = "", calls = ""] =
    README.slice(README.indexOf("## Put it on a network")).match(/(?<=```sh\n)[^`]+/g) ?? [];
  const directory = await mkdtemp(join(tmpdir(), "holdfast-network-"));
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const [certificate = ""] = /openssl[\s\S]*?cert\.pem\n/.exec(serve) ?? [];
  const flags = /--auth.*--tls-key key\.pem/.exec(serve)?.[0].split(" ") ?? [];
  const shell = (script: string, env: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)("sh", ["-ec", script.replaceAll("npx holdfast", `node ${root}src/main.ts`)], {
      cwd: directory,
      env: { PATH: process.env["PATH"], ...env },
    });
  const database = await createTestDatabase();
  try {
    await shell(certificate);
    const files = flags.map((flag) => flag.replace(/^(cert|key)\.pem$/, join(directory, "$1.pem")));
    await using server = await startServer({ databaseUrl: database.url, args: files });
    const port = server.grpc.split(":").at(-1);
    const here = calls.replaceAll(
      "npx node examples/typescript/network.ts",
      `node ${root}examples/typescript/network.ts localhost:${port}`,
    );
    const told = await shell(`exec 2>&1\n${here}`, {
      HOLDFAST_DATABASE_URL: database.url,
      HOLDFAST_SERVER: `localhost:${port}`,
    });
    expect(told.stdout.match(/charged \w+:|CREDENTIALS_INVALID/g)).toEqual([
      "charged now:",
      "charged before:",
      "CREDENTIALS_INVALID",
    ]);
  } finally {
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  }
});
