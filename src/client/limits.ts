import { Code } from "@connectrpc/connect";
import { FieldInvalidError } from "./reason-errors.ts";

/**
 * The server's bounds in bytes of UTF-8. Checked before sending, because a message over 1.25 MiB is refused by the
 * transport, which cannot say why.
 */
export const LIMITS = {
  tenant: { min: 0, max: 63 },
  scope: { min: 1, max: 128 },
  key: { min: 1, max: 512 },
  label: { min: 0, max: 256 },
} as const;

export const RESULT_BYTES_MAX = 1024 * 1024;
export const CHECKPOINT_BYTES_MAX = 64 * 1024;
export const ERROR_BYTES_MAX = 16 * 1024;
const METADATA_BYTES_MAX = 4 * 1024;

/**
 * @throws FieldInvalidError. A lone surrogate is refused here because UTF-8 cannot carry it: the encoder would
 * put U+FFFD in its place, and two different keys would become one.
 */
export function checkText(field: string, text: string, { min, max }: { readonly min: number; readonly max: number }) {
  const bytes = utf8Length(text);
  const fits = bytes >= min && bytes <= max && text.isWellFormed() && !text.includes("\0");
  if (!fits) throw fieldInvalid(field, `${min} to ${max} bytes of well-formed text without U+0000`);
}

export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!name.isWellFormed() || !value.isWellFormed()) throw fieldInvalid("metadata", "well-formed text");
    bytes += utf8Length(name) + utf8Length(value);
  }
  if (bytes > METADATA_BYTES_MAX) throw fieldInvalid("metadata", `at most ${METADATA_BYTES_MAX} bytes, names included`);
}

/** Without encoding it. A lone surrogate counts as 2, and not as the 3 of what would be put in its place. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate is half of four bytes.
    bytes += unit < 0x800 || (unit & 0xf800) === 0xd800 ? 1 : 2;
  }
  return bytes;
}

/** A duration goes to the server to be judged; only what a Duration cannot say is refused here. */
export function checkMs(field: string, ms: number): void {
  if (!Number.isFinite(ms) || Math.abs(ms) > Number.MAX_SAFE_INTEGER) throw fieldInvalid(field, "finite milliseconds");
}

/** How long to wait: Infinity is for ever. */
export function checkTimeoutMs(ms: number, field = "timeoutMs"): void {
  if (Number.isNaN(ms) || ms < 0) throw fieldInvalid(field, "milliseconds from 0, or Infinity");
}

export function fieldInvalid(field: string, allowed: string): FieldInvalidError {
  return new FieldInvalidError(`${field} must be ${allowed}`, {
    reason: "FIELD_INVALID",
    code: Code.InvalidArgument,
    violations: [{ field, description: allowed }],
  });
}

/** The beginning of a text for people that fits; encodeInto writes whole code points only. */
export function cutToBytes(text: string, bytesMax: number): string {
  const wellFormed = text.toWellFormed();
  const { read } = new TextEncoder().encodeInto(wellFormed, new Uint8Array(bytesMax));
  return wellFormed.slice(0, read);
}
