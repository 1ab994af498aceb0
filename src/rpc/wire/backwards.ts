/**
 * Writes the wire format of protobuf from its end: what lies inside something is written before it, so its length is
 * known when it is to be written. All of it is in memory that is there already, for one message at a time.
 */

const MEMORY_BYTES = 4096;
/** A large body now and then is no reason to hold on to as much. */
const MEMORY_BYTES_KEPT = 64 * 1024;

let memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
/** What is written lies from here to the end of the memory. */
let at = memory.length;

export function begin(): void {
  if (memory.length > MEMORY_BYTES_KEPT) memory = Buffer.allocUnsafeSlow(MEMORY_BYTES);
  at = memory.length;
}

/** What is written since `begin`; overwritten by what is written next. */
export function written(): Uint8Array {
  return memory.subarray(at);
}

/** How many bytes are written. */
export function size(): number {
  return memory.length - at;
}

function makeRoom(bytes: number): void {
  if (bytes <= at) return;
  const used = size();
  const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(used + bytes)));
  larger.set(memory.subarray(at), larger.length - used);
  memory = larger;
  at = memory.length - used;
}

/** Of an unsigned number of 32 bits. */
export function writeVarint(value: number): void {
  makeRoom(5);
  if (value < 0x80) {
    memory[--at] = value;
    return;
  }
  at -= value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
  let position = at;
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) memory[position++] = (rest & 0x7f) | 0x80;
  memory[position] = rest;
}

export function writeVarint64(value: bigint): void {
  if (value >= 0n && value <= 0x7fff_ffffn) {
    writeVarint(Number(value));
    return;
  }
  const groups: number[] = [];
  for (let rest = BigInt.asUintN(64, value); rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn));
  makeRoom(groups.length);
  at -= groups.length;
  groups.forEach((group, i) => {
    memory[at + i] = i === groups.length - 1 ? group : group | 0x80;
  });
}

export function writeDouble(value: number): void {
  makeRoom(8);
  at -= 8;
  memory.writeDoubleLE(value, at);
}

export function writeRaw(bytes: Uint8Array): void {
  makeRoom(bytes.length);
  at -= bytes.length;
  memory.set(bytes, at);
}

export function writeBytes(bytes: Uint8Array): void {
  writeRaw(bytes);
  writeVarint(bytes.length);
}

/** Up to here, letter by letter is faster than a call of the runtime. */
const SHORT = 64;

export function writeString(text: string): void {
  const before = size();
  if (text.length > SHORT || !writeAscii(text)) {
    const bytes = Buffer.byteLength(text);
    makeRoom(bytes);
    at -= bytes;
    memory.write(text, at, bytes);
  }
  writeVarint(size() - before);
}

function writeAscii(text: string): boolean {
  makeRoom(text.length);
  const start = at - text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return false;
    memory[start + i] = unit;
  }
  at = start;
  return true;
}
