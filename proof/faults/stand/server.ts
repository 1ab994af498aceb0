import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readyz } from "../../../test/infra/support/readyz.ts";
import { type ServerProcess, startServer } from "../../../test/process/server.ts";
import { startTcpProxy, type TcpTarget } from "../../../test/support/tcp-proxy.ts";
import { samplesOf, sumOf } from "./metrics.ts";
import { mishapsOf } from "./mishaps.ts";
import { DATABASE, ROLE } from "./postgres.ts";
import type { StandOptions, StandServer } from "./stand.ts";

export interface OwnServer extends StandServer, AsyncDisposable {
  /** What its processes, of which there may have been several, have said that they should not. */
  mishaps(): readonly string[];
}

export interface StandServerOptions {
  readonly name: string;
  /** Where its statements go; may be changed, for the connections to come. */
  readonly database: TcpTarget;
  /** Where its listener goes. */
  readonly listener: TcpTarget;
  readonly stand: StandOptions;
}

const READY_POLL_MS = 10;
const READY_MS_MAX = 60_000;
/** Loaded before the server: ends it when we have died, however that was. */
const LEASH = `--import=data:text/javascript,${encodeURIComponent(
  "const parent = process.ppid; setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500).unref();",
)}`;
/** Where nobody listens. */
const NOWHERE = 0;

/** Does not run yet. */
export async function createServer(options: StandServerOptions): Promise<OwnServer> {
  const { name, stand } = options;
  const target = { host: "127.0.0.1", port: NOWHERE };
  await using opening = new AsyncDisposableStack();
  const callers = opening.use(await startTcpProxy(target));
  const database = opening.use(await startTcpProxy(options.database));
  const listener = opening.use(await startTcpProxy(options.listener));
  const proxies = opening.move();
  const former: string[] = [];
  let current: ServerProcess | null = null;
  let isUp = false;
  let isAsked = false;
  let tree = stand.tree;

  const running = (): ServerProcess => {
    if (current === null) throw new Error(`bug: ${name} was never started`);
    return current;
  };
  const leave = () => {
    isUp = false;
    target.port = NOWHERE;
  };
  const url = (port: number) => `postgresql://${ROLE}@127.0.0.1:${port}/${DATABASE}`;
  const ended = async () => {
    const { code, signal } = await running().exited;
    callers.cut();
    return { code, signal };
  };

  const start: StandServer["start"] = async (change = {}) => {
    if (isUp) throw new Error(`bug: ${name} runs already`);
    tree = change.tree === undefined ? tree : change.tree;
    if (current !== null) former.push(...mishapsOf(name, current));
    const started = await startServer({
      databaseUrl: url(database.port),
      args: ["--listen-url", url(listener.port), ...(change.args ?? stand.serverArgs)],
      ...(tree !== null && { main: join(tree, "src", "main.ts") }),
      // What is compiled of another tree goes with it.
      env: { NODE_OPTIONS: LEASH, ...(tree !== null && { NODE_COMPILE_CACHE: join(tree, ".compiled") }) },
    });
    current = started;
    [isUp, isAsked] = [true, false];
    void started.exited.then(({ code, signal }) => {
      if (current !== started) return;
      leave();
      if (isAsked) return;
      former.push(`${name} ended by itself with ${code ?? signal}: ${started.stderr().slice(-500)}`);
    });
    target.port = Number(started.grpc.split(":").at(-1));
    await untilReady(name, started);
  };

  return {
    ...{ name, callers, database, listener, start },
    address: `127.0.0.1:${callers.port}`,
    get process() {
      return running();
    },
    get isRunning() {
      return isUp;
    },
    async kill() {
      isAsked = true;
      leave();
      running().signal("SIGKILL");
      await ended();
    },
    async stop() {
      const fromMs = performance.now();
      isAsked = true;
      running().signal("SIGTERM");
      const { code } = await ended();
      return { ms: performance.now() - fromMs, code };
    },
    signal: (signal) => running().signal(signal),
    async metric(sample, labels) {
      const page = await (await fetch(`${running().http}/metrics`)).text();
      return sumOf(samplesOf(page), sample, labels);
    },
    mishaps: () => [...former, ...(current === null ? [] : mishapsOf(name, current))],
    async [Symbol.asyncDispose]() {
      isAsked = true;
      leave();
      await current?.[Symbol.asyncDispose]();
      await proxies.disposeAsync();
    },
  };
}

/** It listens before it has its database. */
async function untilReady(name: string, server: ServerProcess): Promise<void> {
  const fromMs = performance.now();
  let isOver = false;
  void server.exited.then(() => {
    isOver = true;
  });
  while (!(await readyz(server).catch(() => ({ ready: false }))).ready) {
    if (isOver) throw new Error(`${name} ended before it was ready: ${server.stderr()}`);
    if (performance.now() - fromMs > READY_MS_MAX) {
      const said = server.lines.map((line) => JSON.stringify(line)).join("\n");
      throw new Error(`${name} is not ready after ${READY_MS_MAX} ms; it said\n${said}\n${server.stderr()}`);
    }
    await sleep(READY_POLL_MS);
  }
}
