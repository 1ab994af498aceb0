import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Environment } from "../../src/server/config/option.ts";
import { readConfigAndFile } from "../../src/server/config/read.ts";
import { configWarnings } from "../../src/server/config/warnings.ts";
import type { Setting } from "../../src/server/config.ts";

/** One value that each setting may have in a file, in its own type there. */
export const EVERY_SETTING = {
  "database-url": "postgres://me@db:5432/holdfast",
  "listen-url": "postgresql:///holdfast?host=/run/postgresql",
  "data-dir": "/var/lib/holdfast",
  "grpc-address": "[::]:7400",
  "http-address": "0.0.0.0:7401",
  workers: "auto",
  migrate: true,
  "log-level": "debug",
  "log-format": "json",
  "drain-delay": 0,
  "drain-grace": "20s",
  "sweep-interval": "1m",
  "max-connection-age": "1h",
  "max-concurrent-streams": 500,
  "max-queue-calls": 1000,
  "max-queue-bytes": 4_194_304,
  "allow-unsafe-database": false,
  "database-wait": "1m",
  "database-password-file": "/run/secrets/{placement}",
  "database-password-command": "/usr/bin/make-token geheim",
  pooler: "transaction",
  "max-memory": "512MiB",
  "max-event-loop-delay": "off",
  auth: ["api-key", "jwt", "mtls"],
  "tls-cert": "cert.pem",
  "tls-key": "key.pem",
  "tls-client-ca": "ca.pem",
  "certificate-tenant": "DNS:{tenant}.clients.example.org",
  "certificate-roles": "claim,read",
  "cors-origins": ["https://app.example.org"],
  "allow-plaintext": false,
  "jwt-issuer": "https://issuer.example.org",
  "jwt-audience": "holdfast",
  "jwt-jwks-url": "https://issuer.example.org/keys",
  "jwt-algorithms": ["ES256"],
  "jwt-tenant-claim": "tenant",
  "jwt-roles-claim": "roles",
  placements: { eu: "postgres://me:geheim@eu/holdfast", us: "postgres://us/holdfast" },
  "placement-listen-urls": "eu=postgres://eu-direct/holdfast",
  "tenants-file": "tenants.yaml",
  "master-key-file": "master.keys",
  "validator-port": 8443,
  "validator-loopback": true,
  timeout: "5s",
  server: "holdfast.example.org:443",
  "api-key": "hf_id.geheim",
  tls: true,
  "tls-ca": "ca.pem",
  "client-cert": "me.pem",
  "client-key": "me.key",
  output: "json",
} as const;

const { "database-password-command": _, ...together } = EVERY_SETTING;

/** All of these may be set at once. */
export const TOGETHER: Readonly<Record<string, unknown>> = together;

export interface ReadOptions {
  readonly command?: Command;
  readonly args?: readonly string[];
  readonly env?: Environment;
  readonly mode?: number;
}

/** What becomes of a file named holdfast.yaml with this text; its place is left out of what is told. */
export async function readFileOf(text: string | Uint8Array, options: ReadOptions = {}) {
  const { command = "serve", args = [], env = {}, mode = 0o600 } = options;
  using folder = mkdtempDisposableSync(join(tmpdir(), "holdfast-config-"));
  const path = join(folder.path, "holdfast.yaml");
  writeFileSync(path, text, { mode });
  const { read, file } = await readConfigAndFile(command, ["--config", path, ...args], env);
  const values = read.kind === "config" ? read.config : read.values;
  const warnings = configWarnings({ values, sources: read.sources, file }, env);
  const told = (lines: readonly string[]) => lines.map((line) => line.replaceAll(`${folder.path}/`, ""));
  return {
    values,
    problems: told(read.kind === "problems" ? read.problems : []),
    warnings: told(warnings),
    sourceOf: (setting: Setting) => read.sources.get(setting),
  };
}
