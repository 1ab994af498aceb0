import { type DescMethodUnary, fromBinary, type Message } from "@bufbuild/protobuf";
import { Metadata } from "@grpc/grpc-js";
import { IdempotencyService } from "../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock as clock } from "../src/clock.ts";
import { createUnary } from "../src/rpc/pipeline.ts";
import { claimRules, completeRules, type Rules } from "../src/rpc/rules.ts";
import { createValidate } from "../src/rpc/validate.ts";
import { createConnections } from "../src/server/grpc-connections.ts";
import { GrpcContext } from "../src/server/grpc-context.ts";
import { type GrpcMethod, serviceDefinition } from "../src/server/service-definition.ts";
import { CALLS, type Call, endpointsOver, instantStore, pipeline, prepared } from "./hot-path-calls.ts";
import { interleave, spread } from "./measure.ts";
import type { Figure, Section } from "./report.ts";

/** Alone: so many rounds unless told otherwise. */
const ROUNDS = 7;
const CALLS_A_ROUND = 4_000;

const LAYERS = {
  decode: "decode",
  context: "+ context of the call",
  validate: "validate, by itself",
  pipeline: "+ pipeline, validation included, with an empty handler",
  operation: "+ handler and operation, over a store that answers at once",
  encode: "+ encode",
  memory: "the same over the memory store",
  garbage: "decode to encode, over a store that answers at once: heap",
} as const;
type Layer = keyof typeof LAYERS;

/**
 * What a call takes of the processor in each layer above the store: no network, no database, one call at a time. Each arm
 * does all that the one before does, and its own part.
 */
export async function benchHotPath(rounds: number): Promise<Section> {
  const figures: Figure[] = [];
  for (const call of CALLS) {
    const arms = await armsOf(call);
    const measured = await interleave(rounds, arms);
    for (const [layer, what] of Object.entries(LAYERS)) {
      const id = `${call}-${layer}`;
      const unit = layer === "garbage" ? "B" : "µs";
      figures.push({ id, what: `${call}: ${what}`, unit, spread: spread(measured[layer as Layer]) });
    }
  }
  return {
    id: "hot-path",
    title: "A call above the store, layer by layer",
    how:
      "Processor time of one call, user and system, in one process: no network, no database, one call at a time, arms " +
      "interleaved. Each layer contains the ones before it, but for *validate*, which stands by itself.",
    figures,
  };
}

async function armsOf(call: Call): Promise<Record<Layer, () => Promise<number>>> {
  const name = call === "complete" ? "complete" : "claim";
  const method: DescMethodUnary = IdempotencyService.method[name];
  const rules = (name === "claim" ? claimRules : completeRules) as Rules<Message>;
  const { requestDeserialize, responseSerialize } = serviceDefinition(IdempotencyService)[name] as GrpcMethod;
  const { requests } = await prepared(call, CALLS_A_ROUND);
  const decoded = requests.map((bytes) => fromBinary(method.input, bytes));
  const validate = createValidate(method.input, rules);
  const instant = endpointsOver(await instantStore(call))[name];
  const answer = await instant.call(requestDeserialize(bytesAt(requests, 0)), newContext());
  const empty = createUnary(pipeline, method, rules, async () => answer);
  if (empty.kind !== "unary") throw new Error("bug: a unary method is not unary");

  const decode = (i: number) => requestDeserialize(bytesAt(requests, i));
  const throughout = async (i: number) => responseSerialize(await instant.call(decode(i), newContext()));
  const overStore = async () => {
    // Of its own, for each key can be claimed anew only once.
    const fresh = await prepared(call, CALLS_A_ROUND);
    const endpoint = endpointsOver(fresh.store)[name];
    const decodeFresh = (i: number) => requestDeserialize(bytesAt(fresh.requests, i));
    return cost(async (i) => responseSerialize(await endpoint.call(decodeFresh(i), newContext())));
  };
  return {
    decode: () => cost(decode),
    context: () => cost((i) => [decode(i), newContext()]),
    validate: () => cost((i) => validate(decoded[i] as Message)),
    pipeline: () => cost((i) => empty.call(decode(i), newContext())),
    operation: () => cost((i) => instant.call(decode(i), newContext())),
    encode: () => cost(throughout),
    memory: overStore,
    garbage: () => garbage(throughout),
  };
}

function bytesAt(requests: readonly Buffer[], i: number): Buffer {
  return requests[i] ?? Buffer.alloc(0);
}

const metadata = new Metadata();
metadata.set("user-agent", "grpc-node-js/1.14.7");
metadata.set("content-type", "application/grpc");
const connections = createConnections({ clock, random: Math.random, maxAgeMs: 0, reset() {} });

function newContext(): GrpcContext {
  return new GrpcContext({ metadata, cancelled: false, on() {} }, { clock, connections });
}

/** Microseconds of the processor for one call. */
async function cost(task: (i: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < CALLS_A_ROUND; i++) await task(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS_A_ROUND;
}

/** So few that the collector seldom comes in between; where it does, the median leaves it out. */
const CALLS_A_LOOK = 20;
const LOOKS = 50;

/** Bytes of the heap that one call takes: what the collector has to clear away again. */
async function garbage(task: (i: number) => unknown): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < LOOKS; look++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS_A_LOOK; i++) await task(i);
    looks.push((process.memoryUsage().heapUsed - before) / CALLS_A_LOOK);
  }
  return spread(looks).median;
}

if (import.meta.main) {
  const { figures } = await benchHotPath(Number(process.argv[2] ?? ROUNDS));
  const cell = (value: number) => value.toFixed(2).padStart(8);
  for (const {
    what,
    unit,
    spread: { min, median, max },
  } of figures) {
    console.log(`${what.padEnd(72)}${cell(min)}${cell(median)}${cell(max)} ${unit}`);
  }
}
