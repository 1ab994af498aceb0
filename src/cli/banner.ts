import { VERSION } from "../server/version.ts";

/** Wants no more of the machine than sh and curl: not every one has uuidgen, and those without it have Linux's file. */
const NEW_ID = "$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)";

export interface BannerFacts {
  /** host:port */
  readonly grpc: string;
  readonly http: string;
  /** For people; without password. */
  readonly database: string;
  readonly tls: boolean;
  /** How callers say who they are; null: they do not. */
  readonly auth: readonly string[] | null;
}

/** What serve prints for people once it listens. */
export function banner({ grpc, http, database, tls, auth }: BannerFacts): string {
  const claim = `{"key": {"scope": "charge", "key": "order-1"}, "claim_id": "'${NEW_ID}'"}`;
  const scheme = tls ? "https" : "http";
  const list = `buf curl --protocol grpc ${tls ? "" : "--http2-prior-knowledge "}--list-methods ${scheme}://${grpc}`;
  return `
  Holdfast ${VERSION} is serving. Ctrl-C stops it.

  gRPC      ${grpc}   (${list})
  HTTP      ${scheme}://${http}   (/metrics, /livez, /readyz, and every method as JSON)
  Database  ${database}
  ${auth === null ? "No authentication: only this machine can connect." : `Callers say who they are by ${auth.join(" or ")}.`}

  Claim a key; run it twice to see the second caller told IN_PROGRESS:
  curl ${scheme}://${http}/holdfast.v1.IdempotencyService/Claim \\
${credentialLine(auth)}    -H 'content-type: application/json' -d '${claim}'

`;
}

function credentialLine(auth: BannerFacts["auth"]): string {
  if (auth === null) return "";
  const isCertificate = auth.every((method) => method === "mtls");
  return `    ${isCertificate ? "--cert YOUR.crt --key YOUR.key" : "-H 'authorization: Bearer YOUR-KEY'"} \\\n`;
}
