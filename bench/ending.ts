const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
/** The last is ended first: who uses something, before what is used. */
const open: (() => Promise<void>)[] = [];

let ending = false;

/** Whether this process was told to end: what fails from then on fails for that. */
export function isEnding(): boolean {
  return ending;
}

const endAll = async (signal: keyof typeof CODES) => {
  ending = true;
  for (const end of open.toReversed()) await end().catch((error: unknown) => console.error(error));
  process.exit(CODES[signal]);
};

/**
 * What has to be ended when this process is told to end by a signal, too: processes and directories, which would be there
 * ever after. Returns how to end it, which is done once.
 */
export function endedBySignalsToo(end: () => Promise<void>): () => Promise<void> {
  let ended: Promise<void> | undefined;
  const once = () => {
    ended ??= end().finally(() => {
      open.splice(open.indexOf(once), 1);
      if (open.length === 0) for (const signal of Object.keys(CODES)) process.off(signal, endAll);
    });
    return ended;
  };
  if (open.length === 0) for (const signal of Object.keys(CODES)) process.once(signal, endAll);
  open.push(once);
  return once;
}
