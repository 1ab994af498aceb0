import type { ServerProcess } from "./server.ts";

/** The samples of a server's /metrics page by their full name, labels included. */
export async function readMetrics({ http }: Pick<ServerProcess, "http">): Promise<ReadonlyMap<string, number>> {
  const page = await (await fetch(`${http}/metrics`)).text();
  const samples = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

/** One sample summed over servers; throws when one of them has no such series. */
export async function sumOf(servers: readonly Pick<ServerProcess, "http">[], sample: string): Promise<number> {
  const pages = await Promise.all(servers.map(readMetrics));
  return pages.reduce((sum, page) => {
    const value = page.get(sample);
    if (value === undefined) throw new Error(`no sample ${sample}`);
    return sum + value;
  }, 0);
}

/** Returns once the sample has this sum. How long that may take is the test's own limit. */
export async function untilSumIs(
  servers: readonly Pick<ServerProcess, "http">[],
  sample: string,
  sum: number,
): Promise<void> {
  while ((await sumOf(servers, sample)) !== sum) await new Promise((resolve) => setTimeout(resolve, 20));
}
