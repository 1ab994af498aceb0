import * as grpc from "@grpc/grpc-js";

/** Imports nothing else, not even the messages: a server of grpc-js that takes calls of Claim, keeps them open and never answers: what holding a call costs there. */
grpc.setLogVerbosity(grpc.logVerbosity.NONE);
const server = new grpc.Server({ "grpc.max_concurrent_streams": 1000 });
const same = (bytes: Buffer) => bytes;
const open = new Set<unknown>();
const claim = {
  ...{ path: "/holdfast.v1.IdempotencyService/Claim", requestStream: false, responseStream: false },
  ...{ requestDeserialize: same, requestSerialize: same, responseDeserialize: same, responseSerialize: same },
};
server.addService({ claim }, { claim: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => void open.add(call) });
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.send?.({ address: `127.0.0.1:${port}` });
});
process.on("message", () => process.send?.({ open: open.size }));
process.once("disconnect", () => process.exit());
