import { openDatabase } from "./stand/database.ts";
import { openStand } from "./stand/stand.ts";
import { messagesPart } from "./messages/run.ts";
await using db = await openDatabase();
await using stand = await openStand(db.url);
const show = async (w: string) => { const c = await stand.collector.collect(); console.log(w, c.heapMiB.toFixed(1), c.rssMiB.toFixed(0)); };
await show("start");
for (let i = 0; i < 8; i++) { const part = messagesPart(stand, { seed: 1, from: i * 1500, extent: { kind: "runs", runs: 0 + i * 1500 + 1500 - i * 1500 } }); const t = performance.now(); const d = await part.body(); console.log(d.runs, d.findings.map((f) => f.what), ((performance.now() - t) / 1000).toFixed(0)); await show(String(i)); }
