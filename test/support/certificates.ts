import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv6 } from "node:net";

/** Certificates for tests, made in the process: openssl need not be installed, and nothing in the repository expires. */
export interface Authority {
  readonly caPem: string;
  issue(wanted: WantedCertificate): IssuedCertificate;
}

export interface WantedCertificate {
  /** Subject alternative names: "DNS:localhost", "IP:127.0.0.1", "IP:::1", "URI:spiffe://example/worker". */
  readonly names: readonly string[];
  /** For the client's end of a connection; for a server's without. */
  readonly client?: boolean;
  /** From now; negative: it has expired. */
  readonly days?: number;
}

export interface IssuedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A new authority that nobody else trusts, with ECDSA keys on P-256. */
export function createAuthority(name = "Test authority"): Authority {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const common = { issuer: name, signedBy: authority.privateKey };
  const caExtensions = [
    extension(OID.basicConstraints, sequence(TRUE), true),
    extension(OID.keyUsage, bits(1, 0b0000_0110), true), // keyCertSign, cRLSign
  ];
  return {
    caPem: certificate({ ...common, subject: name, days: 3650, key: authority.publicKey, extensions: caExtensions }),
    issue({ names, client = false, days = 3650 }) {
      const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const extensions = [
        extension(OID.basicConstraints, sequence(), true),
        extension(OID.keyUsage, bits(7, 0b1000_0000), true), // digitalSignature
        extension(OID.extendedKeyUsage, sequence(identifier(client ? OID.clientAuth : OID.serverAuth)), false),
        extension(OID.subjectAltName, sequence(...names.map(generalName)), false),
      ];
      return {
        certPem: certificate({ ...common, subject: "Test certificate", days, key: own.publicKey, extensions }),
        keyPem: own.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      };
    },
  };
}

interface CertificateContent {
  readonly issuer: string;
  readonly subject: string;
  readonly days: number;
  readonly key: KeyObject;
  readonly signedBy: KeyObject;
  readonly extensions: readonly Buffer[];
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** RFC 5280, section 4.1. */
function certificate({ issuer, subject, days, key, signedBy, extensions }: CertificateContent): string {
  const algorithm = sequence(identifier(OID.ecdsaWithSha256));
  const notAfter = Date.now() + days * DAY_MS;
  const notBefore = Math.min(Date.now(), notAfter) - DAY_MS;
  const toBeSigned = sequence(
    element(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    key.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(...extensions)),
  );
  const signature = element(0x03, Buffer.from([0]), sign("sha256", toBeSigned, signedBy));
  const base64 = sequence(toBeSigned, algorithm, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

/** One element of DER: tag, length, content. */
function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const TRUE = element(0x01, Buffer.from([0xff]));

function sequence(...content: readonly Uint8Array[]): Buffer {
  return element(0x30, ...content);
}

/** Big-endian; the first bit must be 0. */
function integer(bytes: Uint8Array): Buffer {
  return element(0x02, bytes);
}

/** A bit string of one byte, of which the last bits are unused. */
function bits(unused: number, byte: number): Buffer {
  return element(0x03, Buffer.from([unused, byte]));
}

function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...others.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}

/** UTCTime until 2049, GeneralizedTime from then on. */
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, "")}Z`;
  return text < "2050" ? element(0x17, Buffer.from(text.slice(2))) : element(0x18, Buffer.from(text));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(identifier(OID.commonName), element(0x0c, Buffer.from(commonName)));
  return sequence(element(0x31, attribute));
}

function extension(oid: string, content: Buffer, critical: boolean): Buffer {
  return sequence(identifier(oid), ...(critical ? [TRUE] : []), element(0x04, content));
}

function generalName(name: string): Buffer {
  const [, kind, value = ""] = /^(DNS|IP|URI):(.*)$/.exec(name) ?? [];
  if (kind === "DNS") return element(0x82, Buffer.from(value));
  if (kind === "URI") return element(0x86, Buffer.from(value));
  if (kind === "IP") return element(0x87, addressBytes(value));
  throw new Error(`bug: not a name for a certificate: ${name}`);
}

function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? "")];
  const all = [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
