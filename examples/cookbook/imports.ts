// An import goes on where the one before it died: `npx node examples/cookbook/imports.ts [host:port] [file]`
import { type Attempt, createClient } from "holdfast/client";

const [address = "127.0.0.1:7400", file = `customers-${crypto.randomUUID()}.csv`] = process.argv.slice(2);
await using holdfast = createClient({ address, owner: { service: "imports" } });

const rows = Array.from({ length: 100 }, (_, index) => ({ id: index + 1, name: `customer ${index + 1}` }));
const CHUNK = 25;
/** The table that is imported into. A chunk may be written twice, by an attempt that died before its checkpoint: by id. */
const customers = new Map<number, string>();

/** What is left behind after each chunk, and what the next attempt begins with. */
interface Position {
  readonly done: number;
}

async function importRows(attempt: Attempt, { diesAfter }: { readonly diesAfter: number }): Promise<{ rows: number }> {
  const { done: start } = (attempt.lastCheckpoint?.data as Position | undefined) ?? { done: 0 };
  console.log(`attempt ${attempt.number} begins with row ${start + 1}`);
  for (let done = start; done < rows.length; ) {
    // The lease is over, or nobody wants it any more: somebody else may be at it, so not one more row.
    attempt.signal.throwIfAborted();
    for (const { id, name } of rows.slice(done, done + CHUNK)) customers.set(id, name);
    done = Math.min(done + CHUNK, rows.length);
    if (done >= diesAfter) throw new Error("the machine is gone");
    await attempt.checkpoint({ done } satisfies Position);
    attempt.progress(done / rows.length, `${done} of ${rows.length} rows`);
  }
  return { rows: customers.size };
}

/** The key is the file, the input what is in it: the same name with other rows is refused. */
const work = { scope: "import", key: file, input: rows, maxAttempts: 5 } as const;

await holdfast
  .once(work, (attempt) => importRows(attempt, { diesAfter: 75 }))
  .catch((error: Error) => console.log(`the first importer: ${error.message}`));
const { value } = await holdfast.once(work, (attempt) => importRows(attempt, { diesAfter: Number.POSITIVE_INFINITY }));
console.log(`${value.rows} rows, each once`);
const again = await holdfast.once(work, (attempt) => importRows(attempt, { diesAfter: Number.POSITIVE_INFINITY }));
console.log(again.replayed ? "the file was imported before" : "imported again");
