import { createClient } from "@connectrpc/connect";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { systemClock as clock } from "../../src/clock.ts";
import type { BenchContext } from "../context.ts";
import { figure, grouped } from "../figures.ts";
import type { Section } from "../report.ts";
import { serve } from "../serve.ts";

const TENANTS = 1_000;
const WAITERS = 10_000;
const SCRAPES = 50;
/** So that the collections that follow the crowd's arrival are over. */
const SETTLE_MS = 2_000;
const PAUSE_MS = 100;

interface Scrapes {
  /** From the request to the last byte, on the same machine. */
  readonly ms: readonly number[];
  readonly kB: number;
}

const HOW = `
The page \`/metrics\` of \`holdfast serve\` before anybody comes, and while ${grouped(WAITERS)} calls wait for records of ${grouped(TENANTS)} tenants:
${SCRAPES} scrapes each, a tenth of a second apart, from the request to the last byte.`;

/** What a scrape of a crowded server costs. */
export async function benchScrape({ postgres }: BenchContext): Promise<Section> {
  const url = await postgres.database("scrape");
  await postgres.run(url, `insert into holdfast.tenant (id) select 't-' || n from generate_series(1, ${TENANTS}) n`);
  await using server = await serve(["--database-url", url]);
  const idle = await scrape(server.http);
  await using crowd = new AsyncDisposableStack();
  for (let joined = 0; joined < WAITERS; joined += TENANTS) {
    const transport = crowd.adopt(createGrpcTransport({ addresses: [server.grpc] }), (open) => open.close());
    const records = createClient(IdempotencyService, transport);
    for (let n = 1; n <= TENANTS; n++) {
      const key = { tenant: `t-${n}`, scope: "charge", key: "order" };
      if (joined === 0) await records.claim({ key, claimId: crypto.randomUUID(), lease: { seconds: 3600n } });
      void Array.fromAsync(records.waitFor({ targets: [{ key }], timeout: { seconds: 600n } })).catch(() => undefined);
    }
    await untilWaiting(server.http, joined + TENANTS);
  }
  await clock.sleep(SETTLE_MS);
  const crowded = await scrape(server.http);
  return {
    id: "scrape",
    title: "A scrape of the metrics",
    how: HOW.trim(),
    figures: [
      figure("idle-time", "nobody there: time", "ms", idle.ms),
      figure("idle-size", "nobody there: size", "kB", [idle.kB]),
      figure("crowded-time", "10 000 waiters of 1 000 tenants: time", "ms", crowded.ms, { atMost: 50 }),
      figure("crowded-size", "10 000 waiters of 1 000 tenants: size", "kB", [crowded.kB], { atMost: 200 }),
    ],
  };
}

async function scrape(http: string): Promise<Scrapes> {
  const ms: number[] = [];
  let bytes = 0;
  for (let i = 0; i < SCRAPES; i++) {
    const from = performance.now();
    bytes = (await (await fetch(`http://${http}/metrics`)).arrayBuffer()).byteLength;
    ms.push(performance.now() - from);
    await clock.sleep(PAUSE_MS);
  }
  return { ms, kB: bytes / 1000 };
}

async function untilWaiting(http: string, waiters: number): Promise<void> {
  const wanted = `holdfast_waiters{placement="main"} ${waiters}\n`;
  while (!(await (await fetch(`http://${http}/metrics`)).text()).includes(wanted)) await clock.sleep(PAUSE_MS);
}
