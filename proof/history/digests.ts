import { createHash } from "node:crypto";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type { Checkpoint as CheckpointMessage, Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Checkpoint } from "./format.ts";

/**
 * Over every field, and not by the server's own encoding of them: what that drops must show. Of no message it is none;
 * no error and an empty one differ.
 */
export function resultDigest(result: Result | undefined): string | undefined {
  if (result === undefined) return undefined;
  const { body, contentType, metadata } = result;
  return digest([...bodyParts(body), contentType, ...sortedParts(metadata)]);
}

export function errorDigest(error: Status | undefined): string | undefined {
  if (error === undefined) return undefined;
  const details = error.details.flatMap(({ typeUrl, value }) => [typeUrl, value]);
  return digest([String(error.code), error.message, ...details]);
}

/** Without its record time, which is the server's. */
export function checkpointOf(checkpoint: CheckpointMessage | undefined): Checkpoint | undefined {
  if (checkpoint === undefined) return undefined;
  const { name, sequence, data, contentType } = checkpoint;
  return { sequence: Number(sequence), digest: digest([name, data, contentType]) };
}

export function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

function bodyParts(body: Result["body"]): readonly (string | Uint8Array)[] {
  switch (body.case) {
    case "inline":
      return ["inline", body.value];
    case "reference":
      return ["reference", body.value.uri, body.value.sha256, String(body.value.sizeBytes)];
    case "omittedReason":
      return ["omitted", body.value];
    case undefined:
      return ["none"];
  }
}

function sortedParts(metadata: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(metadata)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flat();
}

/** Each part with its length before it, so that no two lists of parts are one text. */
function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}
