import { DatabaseError } from "pg";

/** As the driver throws it. */
export function databaseError(code: string): DatabaseError {
  const error = new DatabaseError(`error ${code}`, 0, "error");
  error.code = code;
  return error;
}
