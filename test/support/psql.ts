import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import pg, { type Connection, type Submittable } from "pg";

// The part of psql that the documentation uses, for machines without it: psql URL [-c SQL] [-A] [-t] [-v NAME=VALUE].
// Without -c it runs what comes on standard input; a copy from stdin reads its rows there.

interface CopyIn extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** One text with any number of statements. The driver itself cannot copy. */
function createRun(sql: string, rows: () => Promise<string>, out: (line: string) => void) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let failure: Error | null = null;
  const run: Submittable & Record<string, unknown> = {
    submit: (connection: Connection) => connection.query(sql),
    handleRowDescription() {},
    handleDataRow: ({ fields }: { readonly fields: readonly (string | null)[] }) =>
      out(`${fields.map((field) => field ?? "").join("|")}\n`),
    handleCopyInResponse: (connection: CopyIn) =>
      void rows().then((given) => {
        connection.sendCopyFromChunk(Buffer.from(given));
        connection.endCopyFrom();
      }),
    handleCopyData: ({ chunk }: { readonly chunk: Buffer }) => out(chunk.toString()),
    handleCommandComplete() {},
    handleEmptyQuery() {},
    handleError(error: Error) {
      failure = error;
    },
    handleReadyForQuery: () => (failure === null ? resolve() : reject(failure)),
  };
  return { run, done: promise };
}

const { values, positionals } = parseArgs({
  options: {
    command: { type: "string", short: "c" },
    "no-align": { type: "boolean", short: "A" },
    "tuples-only": { type: "boolean", short: "t" },
    set: { type: "string", short: "v" },
  },
  allowPositionals: true,
});
const client = new pg.Client({ connectionString: positionals[0] ?? "" });
await client.connect();
try {
  const sql = values.command ?? (await text(process.stdin));
  const { run, done } = createRun(
    sql,
    () => text(process.stdin),
    (line) => process.stdout.write(line),
  );
  client.query(run);
  await done;
} catch (error) {
  process.stderr.write(`psql: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await client.end();
}
