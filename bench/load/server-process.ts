import type { Traced } from "../traced.ts";
import { memoryOf, startChild } from "./child.ts";
import { samplesAt, waitingIn } from "./metrics.ts";
import { serverNodeOptions } from "./node-options.ts";
import type { ServerAnswers, ServerOrder } from "./server-orders.ts";

/** A server in a process of its own. */
export interface BenchServer extends AsyncDisposable {
  /** host:port */
  readonly address: string;
  readonly metricsUrl: string;
  readonly pid: number;
  /** Of the processor, since its start. */
  cpuMicros(): Promise<number>;
  /** @param answer an encoded ClaimResponse */
  echoWith(answer: Uint8Array): Promise<void>;
  /** The samples of its page by their full name, labels included. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  memory(): ReturnType<typeof memoryOf>;
}

interface Hello {
  readonly grpc: string;
  readonly http: string;
}

/** Without an SDK for traces unless told otherwise, as most run. */
export async function startBenchServer(url: string, traced: Traced = "api"): Promise<BenchServer> {
  const program = new URL("./server.ts", import.meta.url);
  const child = await startChild<Hello>(program, [url, traced], serverNodeOptions());
  const { grpc, http } = child.hello;
  const metricsUrl = `http://${http}/metrics`;
  const tell = <Given extends ServerOrder>(order: Given) => child.ask<ServerAnswers[Given["kind"]]>(order);
  return {
    ...{ address: grpc, metricsUrl },
    pid: child.pid,
    cpuMicros: async () => (await tell({ kind: "cpu" })).micros,
    echoWith: async (answer) => void (await tell({ kind: "echo", answer })),
    metrics: () => samplesAt(metricsUrl),
    memory: () => memoryOf(child.pid),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** How many calls wait on this server. */
export async function waitingCalls(server: Pick<BenchServer, "metrics">): Promise<number> {
  return waitingIn(await server.metrics());
}
