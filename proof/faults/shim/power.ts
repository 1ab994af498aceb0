import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export interface PowerLoss {
  /** Nothing may run in it. */
  readonly dataDirectory: string;
  /** Where the shim has kept what was overwritten; empty afterwards. */
  readonly undoDirectory: string;
  /** How many of the unsynced writes to a file had reached the disk by themselves, the first ones. */
  readonly survivors: (writes: number) => number;
}

/** Makes the disk what it was at the last sync of each file. Answers how many writes are lost. */
export async function revert({ dataDirectory, undoDirectory, survivors }: PowerLoss): Promise<number> {
  const logs = new Set(await readdir(undoDirectory));
  let lost = 0;
  for (const entry of await readdir(dataDirectory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { ino, birthtimeNs } = await stat(path, { bigint: true });
    const log = `${ino}-${birthtimeNs}`;
    if (!logs.has(log)) continue;
    const changes = await readLog(join(undoDirectory, log));
    const undone = changes.slice(survivors(changes.length));
    await undo(path, undone.toReversed());
    lost += undone.length;
  }
  for (const log of logs) await rm(join(undoDirectory, log));
  return lost;
}

/** What a write has replaced in a file that was `size` long. */
interface Change {
  readonly size: number;
  readonly offset: number;
  readonly old: Buffer;
}

const HEAD_BYTES = 16;
const RECORD_BYTES = 24;

/** Of the changes since the last sync, the first one first. Its layout is that of undo.c. */
async function readLog(path: string): Promise<readonly Change[]> {
  await using file = await open(path, "r");
  const head = await read(file, 0, HEAD_BYTES);
  if (head.length < HEAD_BYTES) return []; // Whoever made it was killed before he had written anything.
  const [durable, end] = [numberAt(head, 0), numberAt(head, 8)];
  const bytes = await read(file, durable, end - durable);
  const changes: Change[] = [];
  for (let at = 0; at < bytes.length; ) {
    const old = at + RECORD_BYTES;
    const length = numberAt(bytes, at + 16);
    changes.push({
      ...{ size: numberAt(bytes, at), offset: numberAt(bytes, at + 8) },
      old: bytes.subarray(old, old + length),
    });
    at = old + length;
  }
  return changes;
}

async function undo(path: string, changes: readonly Change[]): Promise<void> {
  await using file = await open(path, "r+");
  for (const { size, offset, old } of changes) {
    if (old.length > 0) await file.write(old, 0, old.length, offset);
    await file.truncate(size);
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = length === 0 ? { bytesRead: 0 } : await file.read(buffer, { position });
  return buffer.subarray(0, bytesRead);
}

function numberAt(bytes: Buffer, offset: number): number {
  return Number(bytes.readBigInt64LE(offset));
}
