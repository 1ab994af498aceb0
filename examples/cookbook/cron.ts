// Every host has the same crontab, and one of them runs the job: `npx node examples/cookbook/cron.ts [host:port] [job]`
import { createClient } from "holdfast/client";

const [address = "127.0.0.1:7400", job = `nightly-report-${crypto.randomUUID()}`] = process.argv.slice(2);

/**
 * What cron starts on each host. The key is the time that the run is due and not the time that it is: clocks differ, and
 * a host that comes late finds out that it was done. Those who wait take over if the host dies that runs it.
 */
async function run(host: string, dueTime: string): Promise<string> {
  await using holdfast = createClient({ address, owner: { service: "cron", instance: host } });
  // How soon the others notice that it died, and how long a run may hang before it counts as dead.
  const lease = { leaseMs: 10_000, maxExecutionMs: 3_600_000, maxAttempts: 3 };
  const { replayed } = await holdfast.once(
    { scope: "cron", key: `${job} ${dueTime}`, input: null, ...lease },
    async () => {
      console.log(`${dueTime}: the report is written`);
    },
  );
  return replayed ? "no" : "yes";
}

for (const dueTime of ["2026-11-23T02:00Z", "2026-11-24T02:00Z"]) {
  const ran = await Promise.all(["host-a", "host-b", "host-c"].map((host) => run(host, dueTime)));
  console.log(`${dueTime}: who ran it? ${ran.sort().join(", ")}`);
}
