// `node conformance/make-vectors.ts`: writes vectors/*.json. With --check it writes nothing, and ends with 1 if a file
// is not what it would write. It imports nothing of any client: what they are held against is written here by hand, or
// published elsewhere, and the rest is SHA-256, HMAC and whole numbers.
import { createHash, createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { CODES, DELAYS_MS, LEASE_LOST, OTHERS, VIOLATIONS, type WireError } from "./expected/errors.ts";
import { NAMES } from "./expected/keys.ts";
import { exactDecimal, NUMBERS, RFC_NUMBERS } from "./expected/numbers.ts";
import { RETRIES } from "./expected/retries.ts";
import { BYTES, REFUSED, TEXTS } from "./expected/texts.ts";

/** The files, by their names, as they should be. */
export function makeVectors(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries({ fingerprints: fingerprints(), keys: keys(), retries: RETRIES, errors: errors() }).map(
      ([name, entries]) => [`${name}.json`, lines(entries)],
    ),
  );
}

function fingerprints(): readonly object[] {
  const texts = [
    ...RFC_NUMBERS.map(([bits, canonical]) => ({
      name: `RFC 8785, appendix B: ${bits}`,
      json: exactDecimal(bits),
      canonical,
    })),
    ...NUMBERS.map(([json, canonical]) => ({ name: `the number ${json}`, json, canonical })),
    ...TEXTS,
  ];
  return [
    ...texts.map(({ name, json, canonical }) => ({
      name,
      json,
      canonical,
      algorithm: "jcs-sha256",
      digest: sha256(canonical),
    })),
    ...BYTES.map(({ name, bytes, published }) => ({
      name: `bytes: ${name}`,
      base64: Buffer.from(bytes).toString("base64"),
      ...{ algorithm: "sha256", digest: published ?? sha256(bytes) },
    })),
    ...REFUSED.map(([name, json]) => ({ name: `refused: ${name}`, json, refused: true })),
  ];
}

function keys(): readonly object[] {
  return NAMES.map(({ tenant, scope, key, provider }) => {
    const seed = createHash("sha256");
    for (const part of ["holdfast.v1.key", tenant, scope, key]) {
      const text = Buffer.from(part, "utf8");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      seed.update(length).update(text);
    }
    const seedBytes = seed.digest();
    const mac = createHmac("sha256", seedBytes).update(provider, "utf8").digest();
    return {
      tenant,
      scope,
      key,
      provider,
      seed: seedBytes.toString("hex"),
      derived: mac.toString("base64url"),
      uuid: uuid(mac),
    };
  });
}

/** RFC 9562, 5.8: version 8 in the high half of byte 6, variant 10 in the high bits of byte 8. */
function uuid(mac: Buffer): string {
  const hex = mac.toString("hex", 0, 16).split("");
  hex[12] = "8";
  hex[16] = "89ab".charAt(Number.parseInt(hex[16] ?? "0", 16) % 4);
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** One for each reason of errors.proto, whose comment begins with its code; and what no reason stands behind. */
function errors(): readonly WireError[] {
  const proto = readFileSync(new URL("../proto/holdfast/v1/errors.proto", import.meta.url), "utf8");
  const declared = [...proto.matchAll(/^ {2}ERROR_REASON_(\w+) = \d+;$/gm)].map(([, reason = ""]) => reason);
  const commented = new Map(
    [...proto.matchAll(/^ {2}\/\/ ([A-Z_]+)\. [^\n]*\n(?: {2}\/\/ [^\n]*\n)* {2}ERROR_REASON_(\w+) = /gm)].map(
      ([, code = "", reason = ""]) => [reason, code] as const,
    ),
  );
  const reasons = declared.filter((reason) => reason !== "UNSPECIFIED");
  return [...reasons.map((reason) => ofReason(reason, CODES[commented.get(reason) ?? ""])), ...OTHERS];
}

function ofReason(reason: string, code: number | undefined): WireError {
  if (code === undefined) throw new Error(`errors.proto does not begin the comment of ${reason} with a code of gRPC`);
  const why = LEASE_LOST[reason];
  return {
    name: reason,
    ...{ code, reason, retryAfterMs: DELAYS_MS[reason] ?? null, violations: VIOLATIONS[reason] ?? [] },
    error: reason.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    ...(why !== undefined && { lease: "LeaseLost", why }),
  };
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** One entry to a line, in ASCII: what an editor or a tool would do to the rest must not change a vector. */
function lines(entries: readonly object[]): string {
  const ascii = (text: string) =>
    text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return `[\n${entries.map((entry) => ascii(JSON.stringify(entry))).join(",\n")}\n]\n`;
}

function main(args: readonly string[]): number {
  const [flag, ...rest] = args;
  if (rest.length > 0 || (flag !== undefined && flag !== "--check")) {
    process.stderr.write("usage: node conformance/make-vectors.ts [--check]\n");
    return 2;
  }
  let differ = 0;
  for (const [name, text] of makeVectors()) {
    const file = new URL(`vectors/${name}`, import.meta.url);
    if (flag === undefined) writeFileSync(file, text);
    else if (readFileSync(file, "utf8") !== text) {
      process.stderr.write(`conformance/vectors/${name} is not what make-vectors.ts makes\n`);
      differ++;
    }
  }
  return differ === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
