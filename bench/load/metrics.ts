/** The samples of a server's page by their full name, labels included. */
export async function samplesAt(metricsUrl: string): Promise<ReadonlyMap<string, number>> {
  const page = await (await fetch(metricsUrl)).text();
  const samples = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

const WAITING = 'holdfast_waiting_calls{placement="main"}';

/** How many calls wait there. */
export function waitingIn(samples: ReadonlyMap<string, number>): number {
  return samples.get(WAITING) ?? 0;
}
