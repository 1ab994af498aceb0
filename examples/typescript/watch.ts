// Watches a record until it has ended: `npx node examples/typescript/watch.ts KEY [host:port]`
import { createClient } from "holdfast/client";

const [key = "order-1042", address = "127.0.0.1:7400"] = process.argv.slice(2);
await using holdfast = createClient({ address });

for await (const event of holdfast.waitFor([{ scope: "charge", key }])) {
  if (event.kind === "snapshot") console.log(event.record?.state ?? "no such record yet");
  else if (event.kind === "progress") console.log(`${event.progress.fraction * 100} % ${event.progress.message}`);
  else if (event.kind === "ended") console.log(event.end.kind === "completed" ? event.end.value : event.end);
  else console.log(event.kind);
}
