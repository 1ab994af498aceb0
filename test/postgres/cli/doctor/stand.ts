import pg from "pg";
import { onTestFinished } from "vitest";
import type { Finding } from "../../../../src/cli/doctor/finding.ts";
import { doctor } from "../../../../src/cli/doctor.ts";
import { createTestDatabase } from "../../../support/database.ts";

/** Nobody listens there. */
export const DEAD_URL = "postgresql://holdfast@127.0.0.1:1/holdfast";
const DEAD_ADDRESS = "127.0.0.1:1";

export interface Examination {
  readonly code: number;
  readonly healthy: boolean;
  readonly findings: readonly (Finding & { readonly of: string })[];
  /** Those of one check on main. */
  of(check: string): readonly Finding[];
}

/** Runs the command and reads its JSON. */
export async function examine(url: string, ...args: readonly string[]): Promise<Examination> {
  const { code, out, error } = await run(url, "--output", "json", ...args);
  if (error !== "") throw new Error(error);
  const { healthy, findings } = JSON.parse(out) as Pick<Examination, "healthy" | "findings">;
  const of = (check: string) =>
    findings
      .filter((finding) => finding.of === "main" && finding.check === check)
      .map(({ of: _, ...finding }) => finding);
  return { code, healthy, findings, of };
}

export async function run(url: string, ...args: readonly string[]) {
  const [outs, errors]: [string[], string[]] = [[], []];
  const env = { HOLDFAST_DATABASE_URL: url };
  const io = {
    out: (text: string) => void outs.push(text),
    error: (text: string) => void errors.push(text),
    terminal: false,
    env,
  };
  const address = args.includes("--http-address") ? [] : ["--http-address", DEAD_ADDRESS];
  const code = await doctor([...args, ...address], io);
  return { code, out: outs.join(""), error: errors.join("") };
}

/** A database for one test, with somebody who may do anything to it. */
export async function patient() {
  const { url, ownerUrl, drop } = await createTestDatabase();
  const client = await connect(ownerUrl);
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  return { url, ownerUrl, client };
}

/** Another session, until the test is over. */
export async function another(url: string): Promise<pg.Client> {
  const client = await connect(url);
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "patient" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Rows as the statements of a server write them, but for what is given. */
export function recordSql(key: string, columns: Readonly<Record<string, string>>): string {
  const all: Readonly<Record<string, string>> = {
    ...{
      tenant: "'acme'",
      scope: "'orders'",
      key: `'${key}'`,
      state: "1",
      due: "now() + interval '1 h'",
      attempt: "1",
    },
    ...{
      fence: "1",
      lease_token: "decode(repeat('00', 16), 'hex')",
      claim_id: "'c'",
      fingerprint: "''",
      hold: "false",
    },
    ...{ fingerprint_algorithm: "''", max_attempts: "0", result_retention_ms: "1000", tombstone_retention_ms: "1000" },
    ...{ create_time: "now()", attempt_start_time: "now()", evidence: "''" },
    ...columns,
  };
  return `insert into holdfast.record (${Object.keys(all).join(", ")}) values (${Object.values(all).join(", ")})`;
}
