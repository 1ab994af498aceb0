import type { WriteStream } from "node:tty";
import { createLogUpdate } from "log-update";
import type { Moment } from "./report.ts";

export interface Progress {
  show(moment: Moment): void;
  /** Something worth a line of its own, above what changes. */
  note(text: string): void;
  /** Leaves the last state standing. */
  end(): void;
}

const BAR_CELLS = 30;

/** Without a terminal: a line for every tenth of the log. */
const PLAIN_STEPS = 10;

/** A terminal that does not know its width, as some containers have it, gets plain lines too. */
export function createProgress(stream: WriteStream | NodeJS.WritableStream): Progress {
  const isLive = "isTTY" in stream && stream.isTTY && stream.columns > 0;
  return isLive ? createLiveProgress(stream) : createPlainProgress(stream);
}

function createLiveProgress(stream: NodeJS.WritableStream): Progress {
  const screen = createLogUpdate(stream);
  return {
    show: (moment) => screen(`${bar(moment)}\n${counts(moment)}`),
    note: (text) => screen.persist(text),
    end: () => screen.done(),
  };
}

function createPlainProgress(stream: NodeJS.WritableStream): Progress {
  let step = 0;
  return {
    show(moment) {
      const reached = Math.floor((moment.acknowledged / moment.deliveries) * PLAIN_STEPS);
      if (reached <= step) return;
      step = reached;
      stream.write(`${moment.acknowledged}/${moment.deliveries} acknowledged: ${counts(moment)}\n`);
    },
    note: (text) => void stream.write(`${text}\n`),
    end() {},
  };
}

function bar({ acknowledged, deliveries }: Moment): string {
  const full = Math.floor((acknowledged / deliveries) * BAR_CELLS);
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${acknowledged}/${deliveries} acknowledged`;
}

function counts({ charged, reconciling, tally }: Moment): string {
  return [
    `${charged} charged`,
    `${tally.replays} replayed`,
    `${tally.mismatches} refused`,
    `${tally.reconciled} reconciled (${reconciling} under way)`,
    `${tally.workersKilled} workers and ${tally.serversKilled} servers killed`,
  ].join(" · ");
}
