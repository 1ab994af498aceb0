/** What a row needs is not on this machine: it is left out, and the report says why. Thrown by a row or its stand. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}
