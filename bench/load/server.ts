import { systemClock as clock } from "../../src/clock.ts";
import { startServer } from "../../src/server/compose.ts";
import { readConfig } from "../../src/server/config/read.ts";
import { silentLog as log } from "../../src/telemetry/log.ts";
import { createEcho } from "../echo.ts";
import { type Traced, tracingOf } from "../traced.ts";
import type { ServerAnswers, ServerOrder } from "./server-orders.ts";

/**
 * The server as `holdfast serve` builds it, in a process of its own, with an echo beside its methods. Arguments: the
 * database's URL, and what traces.
 */
const [url = "", traced = "api"] = process.argv.slice(2);
const ports = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"];
// Nothing is refused for the load that is measured.
const read = readConfig("serve", ["--database-url", url, ...ports, "--max-event-loop-delay", "off"], {});
if (read.kind !== "config") throw new Error("bug: the benchmark's settings are refused");
const echo = createEcho();
const { grpcAddress, httpAddress, stop } = await startServer(read.config, {
  ...{ clock, log, ofProcess: true, beside: echo, tracing: tracingOf(traced as Traced) },
});

function obey(order: ServerOrder): ServerAnswers[ServerOrder["kind"]] {
  switch (order.kind) {
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return { micros: user + system };
    }
    case "echo":
      echo.answerWith(order.answer);
      return {};
  }
}

process.on("message", (order: ServerOrder) => process.send?.(obey(order)));
process.once("disconnect", async () => {
  await stop();
  process.exit();
});
process.send?.({ grpc: `127.0.0.1:${grpcAddress.port}`, http: `127.0.0.1:${httpAddress.port}` });
