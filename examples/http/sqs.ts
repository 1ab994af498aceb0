// A Lambda handler for SQS that does each order once: `npx node examples/http/sqs.ts [host:port]` plays a delivery, twice.
import { createClient } from "holdfast/client";
import { createConsumer, sqs } from "holdfast/consumer";

interface Message {
  readonly messageId: string;
  readonly body: string;
}

const holdfast = createClient({ address: process.argv[2] ?? "127.0.0.1:7400" });
const consumer = createConsumer<Message>(holdfast, {
  scope: "ship-order",
  // The order's own id: SQS gives a message another id each time it is sent.
  key: ({ body }) => JSON.parse(body).orderId,
  input: ({ body }) => JSON.parse(body),
  work: ({ body }, attempt) => console.log(`shipping ${JSON.parse(body).orderId}, fence ${attempt.fence}`),
});
export const handler = sqs(consumer);

const Records = [{ messageId: "m-1", body: '{"orderId":"order-1042"}' }];
for (const _ of [1, 2]) console.log(JSON.stringify(await handler({ Records })));
await holdfast.close();
