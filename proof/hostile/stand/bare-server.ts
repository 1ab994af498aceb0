import { createRequire } from "node:module";
import { join } from "node:path";
import { CLAIM_PATH } from "../frames/calls.ts";

/**
 * A process: a server of whatever grpc-js is installed in a folder, by itself, with one method and nothing of Holdfast's
 * before it. Prints its port.
 */
const [folder = ""] = process.argv.slice(2);
const grpc = createRequire(join(folder, "package.json"))("@grpc/grpc-js") as typeof import("@grpc/grpc-js");

const asIs = (bytes: Buffer) => bytes;
const server = new grpc.Server();
server.addService(
  {
    Claim: {
      ...{ path: CLAIM_PATH, requestStream: false, responseStream: false },
      ...{ requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs },
    },
  },
  {
    Claim: (call: { readonly request: Buffer }, answer: (error: null, bytes: Buffer) => void) =>
      answer(null, call.request),
  },
);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
