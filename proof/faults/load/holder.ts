// Claims the keys that its argument names, says so, and completes them all when it is told to by a line on its standard
// input. Ends when that is closed.
import { createInterface } from "node:readline";
import { createClient } from "@connectrpc/connect";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../../src/client/grpc-transport.ts";
import { createRecorder } from "../../history/recorder.ts";
import type { Key } from "../calls.ts";
import { completeLate, takeOver } from "./late.ts";

const { address, keys, historyPath } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly address: string;
  readonly keys: readonly Key[];
  readonly historyPath: string;
};
using recorder = createRecorder({ path: historyPath, journal: true });
const transport = createGrpcTransport({ addresses: [address] });
const wrapped = recorder.wrap(transport, { client: `holder-${process.pid}`, server: address });
const rpc = createClient(IdempotencyService, wrapped);
const handles = await takeOver(rpc, keys);
process.stdout.write("holds\n");
for await (const _ of createInterface(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await completeLate(rpc, handles))}\n`);
}
transport.close();
