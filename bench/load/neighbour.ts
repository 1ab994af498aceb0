import { setPriority } from "node:os";
import { openTenantLoad, type TenantLoad } from "./tenant-load.ts";

/** Another tenant's load, from a process of its own that yields to everybody: it is the server that is measured. */
setPriority(19);

process.on("message", async ({ load, ms }: { readonly load: TenantLoad; readonly ms: number }) => {
  const { latenciesMs, refused } = await openTenantLoad(load, ms);
  process.send?.({ sent: latenciesMs.length, refused });
});
process.once("disconnect", () => process.exit());
process.send?.("ready");
