import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { IdempotencyService } from "../../../gen/holdfast/v1/idempotency_pb.ts";

/** A value that no enum has yet. */
const NEW_VALUE = 999;
/** A number that no field has yet, with a varint. */
const NEW_FIELD = { no: 9_999, wireType: 0, data: new Uint8Array([1]) };

/** What a server of the future would answer: a field that is new in every message, and in every enum a value that is. */
export function ofTheFuture(method: string, answer: Message): Message {
  change(reflect(outputOf(method), answer));
  return answer;
}

function change(message: ReflectMessage): void {
  message.setUnknown([...(message.getUnknown() ?? []), NEW_FIELD]);
  for (const field of message.fields) {
    if (field.fieldKind === "enum") message.set(field, NEW_VALUE);
    if (field.fieldKind === "message" && message.isSet(field)) change(message.get(field));
  }
}

function outputOf(method: string): DescMessage {
  const found = IdempotencyService.methods.find(({ localName }) => localName === method);
  if (found === undefined) throw new Error(`no method ${method}`);
  return found.output;
}
