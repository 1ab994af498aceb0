import type { ServerProcess } from "./server.ts";
import { until } from "./waiting-calls.ts";

/** The samples of a server's /metrics page by their full name, labels included. */
export async function readMetrics(server: Pick<ServerProcess, "http">): Promise<ReadonlyMap<string, number>> {
  const page = await readPage(server);
  const samples = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

/** One sample summed over servers; throws when one of them has no such series. */
export async function sumOf(servers: readonly Pick<ServerProcess, "http">[], sample: string): Promise<number> {
  const pages = await Promise.all(servers.map(readPage));
  return pages.reduce((sum, page) => sum + valueIn(page, sample), 0);
}

/** Returns once the sample has this sum. How long that may take is the test's own limit. */
export function untilSumIs(
  servers: readonly Pick<ServerProcess, "http">[],
  sample: string,
  sum: number,
): Promise<void> {
  return until(async () => (await sumOf(servers, sample)) === sum);
}

async function readPage({ http }: Pick<ServerProcess, "http">): Promise<string> {
  return (await fetch(`${http}/metrics`)).text();
}

/** Of one sample, found in the text: to take a page of two thousand lines apart costs more than to write it. */
function valueIn(page: string, sample: string): number {
  const at = page.indexOf(`\n${sample} `);
  if (at < 0) throw new Error(`no sample ${sample}`);
  return Number(page.slice(at + sample.length + 2, page.indexOf("\n", at + 1)));
}
