import { Fault } from "../domain/fault.ts";

/** The one text for every cause: it tells nobody how close a guess came. */
export const CREDENTIALS_INVALID_TEXT = "the credentials are missing or not valid";

/** `Fault` CREDENTIALS_INVALID. The cause is logged, never sent. */
export function credentialsInvalid(cause?: unknown): Fault {
  return new Fault("CREDENTIALS_INVALID", CREDENTIALS_INVALID_TEXT, { cause });
}
