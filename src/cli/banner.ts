import { VERSION } from "../server/version.ts";

/** Wants no more of the machine than sh and curl: not every one has uuidgen, and those without it have Linux's file. */
const NEW_ID = "$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)";

/** What serve prints for people once it listens. */
export function banner(grpc: string, http: string, database: string): string {
  const claim = `{"key": {"scope": "charge", "key": "order-1"}, "claim_id": "'${NEW_ID}'"}`;
  return `
  Holdfast ${VERSION} is serving. Ctrl-C stops it.

  gRPC      ${grpc}   (buf curl --protocol grpc --http2-prior-knowledge --list-methods http://${grpc})
  HTTP      http://${http}   (/metrics, /livez, /readyz, and every method as JSON)
  Database  ${database}
  No authentication: only this machine can connect.

  Claim a key; run it twice to see the second caller told IN_PROGRESS:
  curl http://${http}/holdfast.v1.IdempotencyService/Claim \\
    -H 'content-type: application/json' -d '${claim}'

`;
}
