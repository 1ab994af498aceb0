// What was committed is published, by any number of relays: `npx node examples/cookbook/outbox.ts [host:port]`
import { DatabaseSync } from "node:sqlite";
import { createClient } from "holdfast/client";

const [address = "127.0.0.1:7400"] = process.argv.slice(2);
await using holdfast = createClient({ address, owner: { service: "outbox" } });

// The application's own database, whichever it is: Holdfast has one of its own.
const db = new DatabaseSync(":memory:");
db.exec("create table orders (id text primary key, amount integer not null)");
db.exec("create table outbox (id text primary key, topic text not null, message text not null, sent integer not null)");

/** The order and what is to be told of it, in one transaction: both are there, or neither. */
function placeOrder(id: string, amount: number): void {
  db.exec("begin");
  db.prepare("insert into orders values (?, ?)").run(id, amount);
  db.prepare("insert into outbox values (?, 'order-placed', ?, 0)").run(`${id}/placed`, JSON.stringify({ id, amount }));
  db.exec("commit");
}

interface Row {
  readonly id: string;
  readonly topic: string;
  readonly message: string;
}

const published: string[] = [];

/**
 * Run by every host, for as long as there is something to send. Between the sending and the mark a relay may die: then
 * the record says that it was sent, and whoever reads the row next is told so. Between the sending and the record it may
 * die too: the message goes out again, with the same name for the consumer to know it by.
 */
async function relay(): Promise<number> {
  const rows = db.prepare("select id, topic, message from outbox where sent = 0 order by id").all() as unknown as Row[];
  const sent = rows.map(async ({ id, topic, message }) => {
    const { replayed } = await holdfast.once(
      { scope: `publish:${topic}`, key: id, input: message },
      async (attempt) => {
        // To the broker, with a name that is the same however often it is sent: what it deduplicates by, if it does.
        published.push(`${topic} ${message} ${attempt.keyFor("broker")}`);
      },
    );
    db.prepare("update outbox set sent = 1 where id = ?").run(id);
    return replayed ? 0 : 1;
  });
  return (await Promise.all(sent)).reduce((sum: number, count) => sum + count, 0);
}

const names = [1, 2, 3].map((number) => `${crypto.randomUUID()}-${number}`);
for (const [index, name] of names.entries()) placeOrder(name, (index + 1) * 1000);
const counts = await Promise.all([relay(), relay()]);
console.log(`two relays sent ${counts.reduce((sum, count) => sum + count, 0)} messages for ${names.length} orders`);
console.log(
  `published ${published.length}, left in the outbox ${db.prepare("select id from outbox where sent = 0").all().length}`,
);
