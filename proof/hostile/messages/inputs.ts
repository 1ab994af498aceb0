import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Health } from "../../../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection } from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Chance, createChance } from "../../sim/chance.ts";
import { bare, enveloped, type Framed } from "./framing.ts";
import { generate, type World } from "./generate.ts";
import { JSON_MUTATIONS, jsonOf } from "./json.ts";
import { MUTATIONS, type Mutation } from "./mutate.ts";
import { WAYS, type Way, type WayName } from "./ways.ts";

/** One request, as it is sent. */
export interface Input {
  readonly number: number;
  readonly way: WayName;
  readonly method: DescMethod;
  /** What was done to it, in words. */
  readonly how: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const SERVED: readonly DescService[] = [IdempotencyService, AdminService];
const METHODS = SERVED.flatMap(({ methods }) => methods);
/** On the gRPC port only. */
const GRPC_METHODS = [...METHODS, ...Health.methods, ...ServerReflection.methods];
const UNARY = METHODS.filter(({ methodKind }) => methodKind === "unary");
const STREAMS = METHODS.filter(({ methodKind }) => methodKind === "server_streaming");

/** Of most calls, so that none waits for longer than is watched. */
const USUAL_MS = 3000;
const TIMEOUTS = ["0", "-1", "abc", "", "99999999", "1e3", "184467440737095516", "3,3", "\u00e9"];

/** Decided by the seed and the number alone, but for the tokens of leases, which the server has made. */
export function inputOf(seed: number, number: number, world: World, credentials: Credentials): Input {
  const chance = createChance(Math.imul(seed, 0x9e37_79b1) + number);
  const name = chance.pick(Object.keys(WAYS) as WayName[]);
  const way = WAYS[name];
  const method = methodOf(way, chance);
  const { how, messages } = messagesOf(way, method, chance, world);
  const [first = Buffer.alloc(0)] = messages;
  const framed = way.isEnveloped ? enveloped(messages, chance) : bare(first, chance);
  const headers = headersOf(way, framed, chance, method.parent === AdminService ? credentials.admin : credentials.own);
  return { number, way: name, method, how: `${how}; ${framed.how}`, headers, body: framed.body };
}

export interface Credentials {
  readonly own: string;
  readonly admin: string;
}

function methodOf({ carries }: Way, chance: Chance): DescMethod {
  switch (carries) {
    case "everything":
      return chance.pick(GRPC_METHODS);
    case "unary":
      return chance.pick(UNARY);
    case "streams":
      return chance.pick(STREAMS);
    case "session":
      return IdempotencyService.method.session;
  }
}

function messagesOf({ format, carries }: Way, { input }: DescMethod, chance: Chance, world: World) {
  const mutations: readonly Mutation[] = format === "json" ? JSON_MUTATIONS : MUTATIONS;
  const chosen: string[] = [];
  const one = () => {
    const good = generate(input, chance, world);
    let message: Buffer = format === "json" ? jsonOf(input, good) : good;
    for (let rounds = chance.pick([0, 1, 1, 1, 2, 3]); rounds > 0; rounds--) {
      const mutation = chance.pick(mutations);
      chosen.push(mutation.name);
      message = mutation.apply(message, chance);
    }
    // Beyond what a message may have only the transport is met, which frames and other attacks are for.
    return message.subarray(0, 1_400_000);
  };
  const messages = Array.from({ length: carries === "session" ? chance.whole(1, 5) : 1 }, one);
  return { how: chosen.length === 0 ? "as it should be" : chosen.join(", "), messages };
}

function headersOf(way: Way, { encoding }: Framed, chance: Chance, authorization: string) {
  const timeout = chance.chance(0.95) ? way.timeout(USUAL_MS) : chance.pick(TIMEOUTS);
  return {
    "content-type": way.contentType,
    [way.timeoutHeader]: timeout,
    ...(encoding !== undefined && { [way.encodingHeader]: encoding }),
    ...(chance.chance(0.97) && { authorization }),
  };
}
