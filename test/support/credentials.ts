import type { Credentials } from "../../src/auth/authenticator.ts";

/** Of a caller who says nothing of himself. */
export const NO_CREDENTIALS: Credentials = { metadata: () => undefined, certificate: () => null };
