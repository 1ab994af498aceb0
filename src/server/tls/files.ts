import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { NETWORK_OPTIONS } from "../config/network-options.ts";
import { bothNames } from "../config/option.ts";
import { OperatorError } from "../operator-error.ts";
import { contextOptions } from "./context-options.ts";

/** Where the files are. */
export interface TlsPaths {
  readonly tlsCert: string;
  readonly tlsKey: string;
  /** Null: nobody is asked for a certificate. */
  readonly tlsClientCa: string | null;
}

/** Files that go together, in PEM, with nothing in them that was not looked at. */
export interface TlsFiles {
  /** The server's certificate, and those above it. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
  readonly validFrom: Date;
  readonly notAfter: Date;
}

/**
 * Reads the files and checks that a server can use them together. Dates are not judged.
 *
 * @throws OperatorError, one sentence that names the option. It says neither the path nor what OpenSSL says: somebody may
 * have put the key itself where its path belongs.
 */
export async function readTlsFiles({ tlsCert, tlsKey, tlsClientCa }: TlsPaths): Promise<TlsFiles> {
  const chain = certificatesOf("tlsCert", await readText("tlsCert", tlsCert));
  const [leaf] = chain;
  const key = await readText("tlsKey", tlsKey);
  if (!leaf.checkPrivateKey(privateKeyOf(key))) {
    throw refused("tlsKey", `is not the key of the certificate in ${bothNames(NETWORK_OPTIONS.tlsCert)}`);
  }
  const authorities =
    tlsClientCa === null ? null : certificatesOf("tlsClientCa", await readText("tlsClientCa", tlsClientCa));
  const files: TlsFiles = {
    cert: chain.map(String).join(""),
    key,
    clientCa: authorities?.map(String).join("") ?? null,
    validFrom: leaf.validFromDate,
    notAfter: leaf.validToDate,
  };
  checkContext(files);
  return files;
}

/** Changes when any of the files does, or what a link on the way to one points at. */
export async function lookAtTlsFiles({ tlsCert, tlsKey, tlsClientCa }: TlsPaths): Promise<string> {
  const paths = tlsClientCa === null ? [tlsCert, tlsKey] : [tlsCert, tlsKey, tlsClientCa];
  const looks = paths.map(async (path) => {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    } catch (error) {
      return codeOf(error);
    }
  });
  return (await Promise.all(looks)).join("\n");
}

type TlsOption = "tlsCert" | "tlsKey" | "tlsClientCa";

/** Chains have a few KiB, and all the authorities of a browser 250. */
const FILE_BYTES_MAX = 1024 * 1024;

async function readText(option: TlsOption, path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    throw refused(option, `cannot be read: ${codeOf(error)}`);
  }
  try {
    const { size } = await file.stat();
    if (size > FILE_BYTES_MAX) throw refused(option, `has more than ${FILE_BYTES_MAX} bytes`);
    return await file.readFile("latin1");
  } catch (error) {
    throw error instanceof OperatorError ? error : refused(option, `cannot be read: ${codeOf(error)}`);
  } finally {
    await file.close();
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Each by itself: of a list Node skips what it cannot read, and without any it would trust every authority it knows. */
function certificatesOf(option: TlsOption, text: string): [X509Certificate, ...X509Certificate[]] {
  const [first, ...others] = text.match(CERTIFICATE) ?? [];
  if (first === undefined) throw refused(option, "holds no certificate in PEM");
  try {
    return [new X509Certificate(first), ...others.map((pem) => new X509Certificate(pem))];
  } catch {
    throw refused(option, "holds a certificate that cannot be read");
  }
}

function privateKeyOf(text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw refused("tlsKey", "is locked by a passphrase, and nobody can be asked for it");
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw refused("tlsKey", "holds no private key in PEM");
  }
}

/** What OpenSSL finds too weak, and whatever else it minds. */
function checkContext(files: TlsFiles): void {
  try {
    createSecureContext(contextOptions(files));
  } catch (error) {
    throw refused("tlsCert", `cannot be used by OpenSSL: ${codeOf(error)}`);
  }
}

function refused(option: TlsOption, why: string): OperatorError {
  return new OperatorError(`the file of ${bothNames(NETWORK_OPTIONS[option])} ${why}`);
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException)?.code ?? "unknown reason");
}
