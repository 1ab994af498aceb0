import type { Config } from "../../server/config.ts";
import { type DatabaseSource, withDatabase } from "../../server/database-source.ts";
import type { VersionFacts } from "../../store/postgres/doctor/facts.ts";
import { checkSchema } from "../../store/postgres/migrate.ts";
import { findPooler } from "../../store/postgres/pooler.ts";
import { checkDatabase, StartupError } from "../../store/postgres/startup.ts";
import { findingsOf } from "./finding.ts";

/** What stands before it, and whether that is what was said. */
export async function checkPooler(source: DatabaseSource, said: Config["pooler"], signal: AbortSignal) {
  const { ok, problem, warning } = findingsOf("pooler");
  const found = await withDatabase(
    source,
    (client) => findPooler(client, (work) => withDatabase(source, work, signal)),
    signal,
  ).catch((error: unknown) => {
    if (error instanceof StartupError) return error;
    throw error;
  });
  if (found instanceof StartupError) {
    const [{ what, mend } = { what: found.message, mend: "" }] = found.problems;
    return { isPooled: true, hasTransactions: false, finding: problem(what, mend) };
  }
  const hasTransactions = true;
  const isPooled = said === "transaction" || (said === "auto" && found === "transaction");
  if (said === "none" && found === "transaction") {
    const mend = "Set --pooler auto or transaction: statements must not rely on a session here.";
    return {
      isPooled,
      hasTransactions,
      finding: problem("A pooler in transaction mode stands before it, and --pooler says none.", mend),
    };
  }
  if (said === "transaction" && found !== "transaction") {
    const mend = "Where that is so for good, --pooler none is faster: statements are prepared once then.";
    return {
      isPooled,
      hasTransactions,
      finding: warning("--pooler says transaction, and no such pooler was found.", mend),
    };
  }
  const sentences = {
    none: "None: statements go to the database itself.",
    session: "In session mode, or too busy to tell: as good as none.",
    transaction: "In transaction mode.",
  };
  return { isPooled, hasTransactions, finding: ok(sentences[found]) };
}

/** What `holdfast serve` would refuse. */
export async function checkStart(
  source: DatabaseSource,
  { version }: VersionFacts,
  pooled: boolean,
  signal: AbortSignal,
) {
  const { ok, problem } = findingsOf("start");
  return withDatabase(
    source,
    async (client) => {
      const problems = await checkDatabase(client, { pooled });
      const schema = await checkSchema(client).catch(() => null);
      const hasSchema = schema?.kind === "current" || schema?.kind === "newer";
      const findings = problems.map(({ what, mend }) => problem(what, mend));
      const fine = `A server would start on it: PostgreSQL ${version}, a primary, durable. ${schema?.sentence ?? ""}`;
      return { hasSchema, findings: findings.length > 0 ? findings : [ok(fine.trimEnd())] };
    },
    signal,
  );
}
