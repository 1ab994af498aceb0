import { Agent, request } from "node:http";
import type { BenchContext } from "../context.ts";
import { figure, pick } from "../figures.ts";
import { startChild } from "../load/child.ts";
import { startBenchClient } from "../load/client-process.ts";
import { closedLoop, type Measured } from "../load/loops.ts";
import { startBenchServer } from "../load/server-process.ts";
import { interleave, ratios } from "../measure.ts";
import type { Section } from "../report.ts";

const CONNECTIONS = 64;

const HOW = `
A route of Fastify, ${CONNECTIONS} connections, each of which sends its next request when it has the answer to the last: the
handler alone, and behind the middleware with a new key each time, which claims before the handler runs and completes before
the answer goes out. What that adds is held against a claim and a completion of as many callers by grpc-js, as the
middleware makes them. Service, server, both clients and Postgres share the machine.`;

/** What the HTTP middleware adds to a route. */
export async function benchMiddleware({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("middleware");
  await using server = await startBenchServer(url);
  await using client = await startBenchClient();
  const program = new URL("../load/middleware-app.ts", import.meta.url);
  await using app = await startChild<number>(program, [server.address]);
  using agent = createAgent();
  let keys = 0;
  const post = (path: string) => () => send(agent, app.hello, path, `"key-${keys++}"`);
  const load = { transport: "grpc-js", addresses: [server.address], callers: CONNECTIONS } as const;
  const measured = await interleave<"bare" | "protected" | "pair", Measured>(rounds, {
    bare: (share) => closedLoop(CONNECTIONS, ms * share, post("/bare")),
    protected: (share) => closedLoop(CONNECTIONS, ms * share, post("/protected")),
    pair: (share) => client.do({ kind: "closed-loop", ...load, work: { kind: "pairs" }, ms: ms * share }),
  });
  const p50 = (of: readonly Measured[]) => pick(of, ({ latency }) => latency.p50Ms);
  const bare = p50(measured.bare);
  const added = p50(measured.protected).map((value, i) => value - (bare[i] ?? Number.NaN));
  return {
    id: "middleware",
    title: "What the HTTP middleware adds",
    how: HOW.trim(),
    figures: [
      figure("bare-p50", "the handler alone, p50", "ms", bare),
      figure("protected-p50", "behind the middleware, p50", "ms", p50(measured.protected)),
      figure("pair-p50", "claim + complete, grpc-js, p50", "ms", p50(measured.pair)),
      figure("added-p50", "added, p50", "ms", added),
      figure("added-to-pair", "added ÷ claim + complete, p50", "×", ratios(added, p50(measured.pair)), { atMost: 2 }),
    ],
  };
}

function createAgent(): Agent & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
}

const BODY = JSON.stringify({ order: "order-1042", amount: 4900, currency: "EUR" });

/** @throws when the answer is no 200 */
function send(agent: Agent, port: number, path: string, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(BODY),
      "idempotency-key": key,
    };
    const sent = request({ agent, port, path, method: "POST", host: "127.0.0.1", headers }, (response) => {
      response.resume().once("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`the service answered ${response.statusCode}`));
      });
    });
    sent.once("error", reject);
    sent.end(BODY);
  });
}
