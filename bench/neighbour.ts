import { setPriority } from "node:os";
import { type OpenLoop, openLoop } from "./open-loop.ts";

/** Another tenant's load, from a process of its own that yields to everybody: it is the server that is measured. */
setPriority(19);

process.on("message", async ({ load, ms }: { readonly load: OpenLoop; readonly ms: number }) => {
  const { latenciesMs, refused } = await openLoop(load, ms);
  process.send?.({ sent: latenciesMs.length, refused });
});
process.once("disconnect", () => process.exit());
