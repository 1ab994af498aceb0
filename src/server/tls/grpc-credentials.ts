import { ServerCredentials } from "@grpc/grpc-js";
import type { Tls } from "../tls.ts";
import { handshakeOptions } from "./admission.ts";

/** grpc-js's own credentials can neither change their files nor ask for a certificate without insisting on it. */
export class ChangingCredentials extends ServerCredentials {
  constructor(tls: Tls) {
    super(handshakeOptions(tls), tls.current);
    tls.onChange((changed) => this.updateSecureContextOptions(changed));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
