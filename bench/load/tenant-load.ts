import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { ClaimRequestSchema, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { systemClock as clock } from "../../src/clock.ts";

const CLAIM = `/${IdempotencyService.typeName}/Claim`;
const TICK_MS = 2;

/** What one tenant sends: fresh claims, some of which may be refused. */
export interface TenantLoad {
  readonly address: string;
  readonly tenant: string;
  /** Fresh claims a second, whether or not those before have been answered. */
  readonly rate: number;
  readonly connections: number;
}

export interface TenantAnswers {
  /** From when each call was due, in ms: a client that lags behind does not make the server look good. */
  readonly latenciesMs: readonly number[];
  readonly refused: number;
}

/** Sends for so long and waits for the answers. */
export async function openTenantLoad(load: TenantLoad, ms: number): Promise<TenantAnswers> {
  const { address, tenant, rate, connections } = load;
  const channels = Array.from(
    { length: connections },
    () => new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 }),
  );
  const latenciesMs: number[] = [];
  const answers: Promise<void>[] = [];
  let refused = 0;
  const startMs = performance.now();
  for (let sent = 0; performance.now() - startMs < ms; ) {
    const due = Math.floor(((performance.now() - startMs) * rate) / 1000);
    for (; sent < due; sent++) {
      const dueMs = startMs + (sent * 1000) / rate;
      const channel = channels[sent % connections];
      if (channel === undefined) throw new Error("bug: no channel");
      answers.push(
        send(channel, encodeClaim(tenant)).then((answer) => {
          if (answer === "refused") refused++;
          latenciesMs.push(performance.now() - dueMs);
        }),
      );
    }
    await clock.sleep(TICK_MS);
  }
  await Promise.all(answers);
  for (const channel of channels) channel.close();
  return { latenciesMs, refused };
}

const same = (bytes: Buffer) => bytes;

/** A refusal for the tenant's quota or for overload is an answer; anything else ends the benchmark. */
function send(channel: grpc.Client, request: Buffer): Promise<"acquired" | "refused"> {
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(CLAIM, same, same, request, (error) => {
      if (error === null) resolve("acquired");
      else if (error.code === grpc.status.RESOURCE_EXHAUSTED) resolve("refused");
      else reject(new Error(`${error.details} ${describe(error)}`));
    });
  });
}

function describe({ metadata }: grpc.ServiceError): string {
  const [details] = metadata.get("grpc-status-details-bin");
  return details instanceof Buffer ? fromBinary(StatusSchema, details).message : "";
}

function encodeClaim(tenant: string): Buffer {
  const request = create(ClaimRequestSchema, {
    key: { tenant, scope: "charge", key: randomUUID() },
    claimId: randomUUID(),
    owner: { service: "billing", instance: "pod-7" },
  });
  return Buffer.from(toBinary(ClaimRequestSchema, request));
}
