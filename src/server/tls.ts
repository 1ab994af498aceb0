import type { SecureContextOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import { NETWORK_OPTIONS } from "./config/network-options.ts";
import { bothNames } from "./config/option.ts";
import type { Config } from "./config.ts";
import { OperatorError } from "./operator-error.ts";
import { contextOptions } from "./tls/context-options.ts";
import { createWatchDates, type WatchDates } from "./tls/dates.ts";
import { lookAtTlsFiles, readTlsFiles, type TlsFiles, type TlsPaths } from "./tls/files.ts";

/** What both ports encrypt with. Disposed, it looks at its files no more. */
export interface Tls extends Disposable {
  /**
   * Whether callers are asked for a certificate. A given one must verify in either case; "optional" is for servers on
   * which a caller may say who he is in another way.
   */
  readonly clientCertificates: "none" | "optional" | "required";
  /** For a server that begins to listen. */
  readonly current: SecureContextOptions;
  /** Until when its certificate is valid. */
  readonly notAfter: Date;
  /** Calls back with what connections are to use from then on. */
  onChange(listener: (changed: SecureContextOptions) => void): void;
}

type TlsConfig = Pick<Config, "auth" | "tlsCert" | "tlsKey" | "tlsClientCa">;

export interface TlsDeps {
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch: the dates in certificates are of the world, not of the process. */
  readonly wallClockMs: () => number;
  readonly log: Log;
}

/**
 * Reads the files of the configuration and looks at them every now and then. Null: clear text. A set that has changed is
 * taken up as a whole or, with a warning, not at all; connections that are open go on with what they began with.
 *
 * @throws OperatorError for files that cannot be used; of a certificate out of date, or soon to be, the log is told
 */
export async function loadTls(config: TlsConfig, deps: TlsDeps): Promise<Tls | null> {
  const paths = pathsOf(config);
  if (paths === null) return null;
  // Looked at before they are read: what changes meanwhile is seen by the next look.
  const look = await lookAtTlsFiles(paths);
  let files = await readTlsFiles(paths);
  const watchDates = createWatchDates(deps);
  watchDates(files);
  const stop = new AbortController();
  const listeners: ((changed: SecureContextOptions) => void)[] = [];
  const take = (changed: TlsFiles) => {
    files = changed;
    for (const listener of listeners) listener(contextOptions(files));
  };
  void watch(paths, { files, look }, { ...deps, take, watchDates }, stop.signal);
  return {
    clientCertificates: paths.tlsClientCa === null ? "none" : isAlone(config, "mtls") ? "required" : "optional",
    get current() {
      return contextOptions(files);
    },
    get notAfter() {
      return files.notAfter;
    },
    onChange: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => stop.abort(),
  };
}

function pathsOf({ auth, tlsCert, tlsKey, tlsClientCa }: TlsConfig): TlsPaths | null {
  if (tlsClientCa !== null && !auth?.includes("mtls")) {
    // It would look as if nobody came in without a certificate.
    const [authorities, mtls] = [bothNames(NETWORK_OPTIONS.tlsClientCa), bothNames(NETWORK_OPTIONS.auth)];
    throw new OperatorError(`${authorities} has an effect only with mtls in ${mtls}`);
  }
  if (tlsCert === null || tlsKey === null) return null;
  return { tlsCert, tlsKey, tlsClientCa };
}

function isAlone({ auth }: TlsConfig, method: "mtls"): boolean {
  return auth?.length === 1 && auth[0] === method;
}

/** Certificates are renewed days before they end; and a look is three calls of the file system. */
const LOOK_MS = 2000;

interface WatchDeps extends TlsDeps {
  readonly take: (changed: TlsFiles) => void;
  readonly watchDates: WatchDates;
}

/** A change is read when two looks are alike: who replaces one file after the other is not met half way. */
async function watch(
  paths: TlsPaths,
  first: { readonly files: TlsFiles; readonly look: string },
  { clock, log, take, watchDates }: WatchDeps,
  signal: AbortSignal,
): Promise<void> {
  let { files, look: lastLook } = first;
  let lastRead = lastLook;
  for (;;) {
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    watchDates(files);
    const look = await lookAtTlsFiles(paths);
    const isSettled = look === lastLook;
    lastLook = look;
    if (!isSettled || look === lastRead) continue;
    lastRead = look;
    const changed = await readChanged(paths, log);
    if (signal.aborted) return;
    if (changed === null || isSame(changed, files)) continue;
    files = changed;
    take(files);
    log.info({ notAfter: files.notAfter.toISOString() }, "took up the changed TLS files");
    watchDates(files);
  }
}

async function readChanged(paths: TlsPaths, log: Log): Promise<TlsFiles | null> {
  try {
    return await readTlsFiles(paths);
  } catch (error) {
    const why = error instanceof OperatorError ? { reason: error.message } : { error };
    log.warn(why, "the changed TLS files cannot be used; the old ones stay in force");
    return null;
  }
}

function isSame(one: TlsFiles, other: TlsFiles): boolean {
  return one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa;
}
