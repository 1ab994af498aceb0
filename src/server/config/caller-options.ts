import { choice, file, flag, serverAddress, text } from "./kinds.ts";
import { option } from "./option.ts";

/** Of commands that call a running server. */
export const CALLER_OPTIONS = {
  server: option({
    name: "server",
    kind: serverAddress,
    default: { host: "localhost", port: 7400 },
    doc: "Where the server serves gRPC. With TLS its certificate must hold this name.",
    commands: ["tenants", "apikeys", "keys", "wait", "bench"],
  }),
  apiKey: option<string | null>({
    name: "api-key",
    kind: { ...text, format: () => "***", holdsSecret: () => true },
    default: null,
    defaultDoc: "none",
    doc: "An API key. tenants and apikeys need the role admin; to look at tenants, recheck and drain them, and for keys, operate is enough. Better in the variable: a command line can be read by others.",
    commands: ["tenants", "apikeys", "keys", "wait", "bench"],
  }),
  tls: option({
    name: "tls",
    kind: flag,
    default: false,
    doc: "Speak TLS, and trust the authorities of Node.js. Goes without saying with --tls-ca and --client-cert.",
    commands: ["tenants", "apikeys", "health", "keys", "wait", "bench", "doctor"],
  }),
  tlsCa: option<string | null>({
    name: "tls-ca",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "Authorities in PEM that the server's certificate is checked against.",
    commands: ["tenants", "apikeys", "health", "keys", "wait", "bench", "doctor"],
  }),
  clientCert: option<string | null>({
    name: "client-cert",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "The caller's own certificate in PEM, with those above it, for a server that wants to see one.",
    commands: ["tenants", "apikeys", "health", "keys", "wait", "bench", "doctor"],
  }),
  clientKey: option<string | null>({
    name: "client-key",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "The private key of --client-cert in PEM.",
    commands: ["tenants", "apikeys", "health", "keys", "wait", "bench", "doctor"],
  }),
  output: option<"table" | "json">({
    name: "output",
    kind: choice("table", "json"),
    default: "table",
    doc: "A table for people, or JSON for scripts.",
    commands: ["tenants", "apikeys", "admin", "keys", "wait", "doctor", "audit", "bench", "config"],
  }),
} as const;
