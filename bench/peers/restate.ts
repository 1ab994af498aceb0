import { fork } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Arm, type Home, type Load, type Peer, REPLAYED_KEYS } from "./peer.ts";
import { freePort, onPath, output, packageVersion, startLoadProcess, startProgram } from "./processes.ts";

const PATH = "/bench/work";
const ENDED = "ended-";

/** A server and a service in TypeScript beside it, called over HTTP with an Idempotency-Key. */
export async function startRestate({ directory }: Home): Promise<Peer> {
  await using stack = new AsyncDisposableStack();
  const [service, ingress, admin, node] = [await freePort(), await freePort(), await freePort(), await freePort()];
  stack.use(
    await startProgram(binary(), ["--no-logo", "--listen-mode", "tcp", "--base-dir", join(directory, "restate")], {
      env: {
        ...process.env,
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_DISABLE_TELEMETRY: "true",
        RESTATE_LOG_DISABLE_ANSI_CODES: "true",
      },
      ready: /Partition \d+ started/,
    }),
  );
  stack.use(await startService(service));
  await deploy(admin, service);
  const origin = `http://127.0.0.1:${ingress}`;
  const client = stack.use(await startLoadProcess("./restate-load.ts", [origin, PATH, ENDED, String(REPLAYED_KEYS)]));
  await client.run("prepare", 50, 0);
  const withWrk = onPath("wrk");
  const load = withWrk ? createWrk(origin) : (arm: string, ...how: [number, number]) => client.run(arm, ...how);
  const server = `Restate ${await packageVersion("@restatedev/restate-server")}`;
  const sdk = `SDK for TypeScript ${await packageVersion("@restatedev/restate-sdk")}`;
  const arm = (name: "unique" | "replay", width: number): Arm => ({
    id: `restate-${name}-${width}`,
    what: `Restate: ${name === "unique" ? "fresh key" : "key of an ended call"}, ${width} connections`,
    unit: name === "unique" ? "executions/s" : "replays/s",
    run: (seconds) => load(name, width, seconds),
  });
  const running = stack.move();
  return {
    version: `${server} with its ${sdk}, by ${withWrk ? "wrk" : "undici"}`,
    arms: [arm("unique", 64), arm("unique", 256), arm("replay", 64), arm("replay", 256)],
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Not the launcher: it would be one more process between us and the server's end. */
function binary(): string {
  return createRequire(import.meta.url).resolve(
    `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
  );
}

async function startService(port: number): Promise<AsyncDisposable> {
  const child = fork(new URL("./restate-service.ts", import.meta.url), [String(port)], { stdio: "ignore" });
  const ended = once(child, "exit");
  const failed = ended.then(([code]) => {
    throw new Error(`the service of Restate ended with ${code}`);
  });
  await Promise.race([once(child, "message"), failed]);
  failed.catch(() => {});
  return {
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

async function deploy(admin: number, service: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ uri: `http://127.0.0.1:${service}` }),
  });
  if (!answer.ok) throw new Error(`Restate did not take the service: ${answer.status} ${await answer.text()}`);
}

/** In C: a client in Node would be the limit before the server is. */
function createWrk(origin: string): (arm: string, width: number, seconds: number) => Promise<Load> {
  const script = fileURLToPath(new URL("./restate.lua", import.meta.url));
  return async (arm, width, seconds) => {
    // Whole seconds are all it takes.
    const lasts = `${Math.max(1, Math.round(seconds))}s`;
    const args = ["-t", "1", "-c", String(width), "-d", lasts, "-s", script, origin + PATH];
    const printed = await output("wrk", [...args, "--", arm, ENDED, String(REPLAYED_KEYS)]);
    const { errors, ...load } = JSON.parse(printed.trim().split("\n").at(-1) ?? "") as Load & { errors: number };
    if (errors > 0) throw new Error(`wrk saw ${errors} calls fail`);
    return load;
  };
}
