import type { ServerProcess } from "../../process/server.ts";

export interface Readyz {
  readonly ready: boolean;
  readonly waiting: "notified" | "polling";
}

export async function readyz({ http }: Pick<ServerProcess, "http">): Promise<Readyz> {
  return (await (await fetch(`${http}/readyz`)).json()) as Readyz;
}
