import { create } from "@bufbuild/protobuf";
import { type Result, ResultSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Content, decodeContent, encodeContent, type Serializer } from "./content.ts";
import { RESULT_BYTES_MAX } from "./limits.ts";
import { type ResultOrigin, ResultUnavailableError } from "./outcome-errors.ts";

interface EncodedResult {
  readonly result: Result;
  /** Why the value could not be encoded. */
  readonly cause?: unknown;
}

/**
 * What to store for a value that the work returned.
 *
 * A value that cannot be stored ends the record all the same, with the reason in its place: the work is done, and that
 * is what must not be lost. A failure would have it done again, and an unknown outcome would ask somebody to find out
 * what is known.
 */
export function encodeResult<T>(value: T, serializer: Serializer<T> | undefined): EncodedResult {
  try {
    const { bytes, contentType } = encodeValue(value, serializer);
    if (bytes.length <= RESULT_BYTES_MAX) {
      return { result: create(ResultSchema, { contentType, body: { case: "inline", value: bytes } }) };
    }
    return { result: omittedResult(`the result has ${bytes.length} bytes, and ${RESULT_BYTES_MAX} is the limit`) };
  } catch (cause) {
    // Without the error's text: it is the caller's, and may quote the value.
    const what = cause instanceof Error ? cause.name : typeof cause;
    return { result: omittedResult(`the result cannot be encoded: ${what}`), cause };
  }
}

/** 256 bytes is the limit, and a UTF-16 unit takes at most 3. */
const OMITTED_REASON_UNITS_MAX = 80;

export function omittedResult(reason: string): Result {
  return create(ResultSchema, {
    body: { case: "omittedReason", value: reason.toWellFormed().slice(0, OMITTED_REASON_UNITS_MAX) },
  });
}

/** @throws ResultUnavailableError when the record ended with something else than bytes that can be decoded. */
export function decodeResult<T>(result: Result, serializer: Serializer<T> | undefined, own: ResultOrigin): T {
  const { body, contentType } = result;
  if (body.case === "reference") {
    throw new ResultUnavailableError("reference", result, "the result is kept elsewhere", own);
  }
  if (body.case !== "inline") {
    const reason = body.value ?? "it was not sent";
    throw new ResultUnavailableError("omitted", result, `the result is not stored: ${reason}`, own);
  }
  try {
    if (serializer?.accepts?.(contentType) === false) {
      throw new TypeError(
        `it is stored as ${contentType || "bytes"}, and the serializer reads ${serializer.contentType}`,
      );
    }
    if (serializer?.accepts !== undefined || serializer?.contentType === contentType) {
      return serializer.decode(new Uint8Array(body.value));
    }
    // The caller's word for what the record holds; whoever needs more brings a serializer that checks.
    return decodeContent(body.value, contentType) as T;
  } catch (cause) {
    throw new ResultUnavailableError("unreadable", result, "the stored result cannot be decoded", { ...own, cause });
  }
}

function encodeValue<T>(value: T, serializer: Serializer<T> | undefined): Content {
  if (serializer === undefined) return encodeContent(value);
  return { bytes: new Uint8Array(serializer.encode(value)), contentType: serializer.contentType };
}
