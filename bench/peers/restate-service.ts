import { serve, service } from "@restatedev/restate-sdk";
import { RESULT } from "./peer.ts";

// The handler has no steps of its own: its journal is what came in and what goes out.
await serve({
  port: Number(process.argv[2]),
  services: [service({ name: "bench", handlers: { work: async () => RESULT } })],
});
process.once("disconnect", () => process.exit());
process.send?.({ ready: true });
