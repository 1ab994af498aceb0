import type { EventEmitter } from "node:events";
import type { Message } from "@bufbuild/protobuf";
import type { Endpoint } from "../rpc/endpoint.ts";
import { LARGE_ANSWER_BYTES_MIN } from "./limits.ts";
import type { Place, Room } from "./room.ts";

/** How many bytes an answer must have room for before it is encoded; 0 if it is small and needs none. */
export function largeBytesOf({ bytesOf }: Endpoint, answer: Message): number {
  if (bytesOf === undefined) return 0;
  const bytes = bytesOf(answer);
  return bytes < LARGE_ANSWER_BYTES_MIN ? 0 : bytes;
}

/** An HTTP/2 stream, or a response of HTTP/1.1. */
export interface Carrier extends Pick<EventEmitter, "once" | "off"> {
  readonly closed: boolean;
  readonly destroyed: boolean;
}

/** A place that is left when what carries the answer is closed, whatever way, if it was not left before. */
export function enterUntilClosed(room: Room, connection: object, bytes: number, carrier: Carrier): Place {
  const place = room.enter(connection, bytes);
  const leave = () => {
    carrier.off("close", leave);
    place.leave();
  };
  carrier.once("close", leave);
  if (carrier.closed || carrier.destroyed) leave();
  return { entered: place.entered.then((isEntered) => isEntered && !carrier.closed && !carrier.destroyed), leave };
}
