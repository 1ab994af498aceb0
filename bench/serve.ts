import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { endedBySignalsToo } from "./ending.ts";
import { serverNodeOptions } from "./load/node-options.ts";

export interface ServeProcess extends AsyncDisposable {
  readonly pid: number;
  /** host:port */
  readonly grpc: string;
  /** host:port */
  readonly http: string;
  readonly startMs: number;
}

/** `holdfast serve` as users start it, on free ports. */
export async function serve(args: readonly string[]): Promise<ServeProcess> {
  const ports = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--log-format", "json"];
  const startedMs = performance.now();
  const server = spawn(process.execPath, [...serverNodeOptions(), "src/main.ts", "serve", ...ports, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const end = endedBySignalsToo(async () => {
    server.kill("SIGTERM");
    await ended;
  });
  const { grpc, http } = await listening(server.stdout);
  return {
    pid: server.pid ?? 0,
    grpc,
    http,
    startMs: performance.now() - startedMs,
    [Symbol.asyncDispose]: end,
  };
}

type Listening = Pick<ServeProcess, "grpc" | "http">;

/** Goes on reading afterwards: a server whose log nobody reads would stand still. */
function listening(log: Readable): Promise<Listening> {
  return new Promise((resolve, reject) => {
    let text = "";
    log.on("data", (chunk) => {
      if (text === "done") return;
      text += String(chunk);
      const line = text.split("\n").find((each) => each.includes('"listening"') && each.endsWith("}"));
      if (line === undefined) return;
      resolve(JSON.parse(line) as Listening);
      text = "done";
    });
    log.once("end", () => reject(new Error("the server ended before it listened")));
  });
}
