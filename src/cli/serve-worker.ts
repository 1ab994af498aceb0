import { systemClock } from "../clock.ts";
import { startServer } from "../server/compose.ts";
import { isOperatorError } from "../server/operator-error.ts";
import type { Primary } from "../server/workers/primary.ts";
import type { LogFields } from "../telemetry/log.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog } from "./logging.ts";
import { logCrash, messageOf, serveUntilOrdered } from "./serving.ts";

/** One of the processes of `serve --workers`: its settings and its part of the work come from the one that started it. */
export async function serveWorker(primary: Primary, io: CommandIo): Promise<number> {
  const { config, number, processes } = primary.orders;
  const log = commandLog(config, io, io.out, { worker: number });
  logCrash(log);
  const code = await serveUntilOrdered({
    ...{ config, log, ordered: untilOrdered(primary) },
    start: (signal) =>
      startServer(config, {
        ...{ clock: systemClock, log, ofProcess: true, signal },
        worker: { number, processes, page: primary.page },
      }),
    onServing: ({ grpcAddress, httpAddress }) => primary.serving({ grpcAddress, httpAddress }),
    onFailure(error) {
      // The primary tells of what people can mend.
      if (!isOperatorError(error)) log.error({ error }, "could not start");
      primary.refused(messageOf(error));
    },
  });
  primary.stopped(code === 0);
  primary.leave();
  return code;
}

/**
 * A terminal and a service manager signal all processes at once, and the primary signals its workers besides: so any
 * number of signals are one order, and only the primary ends a worker by force.
 */
function untilOrdered({ gone }: Primary): Promise<LogFields> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve({ signal }));
    void gone.then(() => resolve({ reason: "the primary has gone" }));
  });
}
