import type { Compression } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { SIZES } from "../domain/limits.ts";
import type { Room } from "./room.ts";

/**
 * The compressions that requests may come in, of which connect would unpack as many at a time as there are connections:
 * 8 KiB each, before anybody is asked who he is, and three hundred of them, three times, took a server to 650 MiB.
 *
 * Requests take turns by their arrival; connect does not say whose they are.
 */
export function compressionsInTurn(room: Room): Compression[] {
  return [compressionGzip, compressionBrotli].map((compression) => ({
    ...compression,
    async decompress(bytes, readMaxBytes) {
      const place = room.enter({}, SIZES.messageBytesMax);
      try {
        await place.entered;
        return await compression.decompress(bytes, readMaxBytes);
      } finally {
        place.leave();
      }
    },
  }));
}
