import { open } from "node:fs/promises";
import type { AdminClient } from "../../client/admin.ts";
import { SIZES } from "../../domain/limits.ts";
import { OperatorError } from "../../server/operator-error.ts";
import { type GivenFlags, readFlag } from "../own-flags.ts";
import * as flag from "./flags.ts";
import { oneOf } from "./one-of.ts";

type ResolveRequest = Parameters<AdminClient["resolveOutcome"]>[0];
export type Verdict = NonNullable<ResolveRequest["verdict"]>;

const COMPLETED = [flag.COMPLETED_TEXT, flag.COMPLETED_JSON, flag.COMPLETED_FILE];
const VERDICTS = [...COMPLETED, flag.FAILED_MESSAGE, flag.NOT_DONE];

/** gRPC's code for an error that has none. */
const CODE_UNKNOWN = 2;

/** Exactly one is given, and what goes with it goes with it. */
export function verdictProblems(flags: GivenFlags): readonly string[] {
  const given = VERDICTS.filter(({ name }) => flags.has(name));
  const problems = oneOf(VERDICTS.map(flagText), given.map(flagText));
  if (flags.has(flag.CONTENT_TYPE.name) && !COMPLETED.some(({ name }) => flags.has(name))) {
    problems.push(`--${flag.CONTENT_TYPE.name} goes with a result`);
  }
  if (flags.has(flag.FAILED_CODE.name) && !flags.has(flag.FAILED_MESSAGE.name)) {
    problems.push(`--${flag.FAILED_CODE.name} goes with --${flag.FAILED_MESSAGE.name}`);
  }
  return problems;
}

function flagText({ name }: { readonly name: string }): string {
  return `--${name}`;
}

/** @throws OperatorError for a file that cannot be read, or a result that is too large */
export async function readVerdict(flags: GivenFlags): Promise<Verdict> {
  if (flags.has(flag.NOT_DONE.name)) return { case: "notDone", value: {} };
  const message = readFlag(flags, flag.FAILED_MESSAGE);
  if (message !== undefined) {
    return { case: "failed", value: { code: readFlag(flags, flag.FAILED_CODE) ?? CODE_UNKNOWN, message } };
  }
  const { bytes, contentType } = await resultOf(flags);
  if (bytes.length > SIZES.resultInlineBytesMax) throw tooLarge();
  return {
    case: "completed",
    value: {
      body: { case: "inline", value: new Uint8Array(bytes) },
      contentType: readFlag(flags, flag.CONTENT_TYPE) ?? contentType,
    },
  };
}

async function resultOf(flags: GivenFlags): Promise<{ readonly bytes: Uint8Array; readonly contentType: string }> {
  const text = readFlag(flags, flag.COMPLETED_TEXT);
  if (text !== undefined) return { bytes: Buffer.from(text), contentType: "text/plain; charset=utf-8" };
  const json = readFlag(flags, flag.COMPLETED_JSON);
  if (json !== undefined) return { bytes: Buffer.from(json), contentType: "application/json" };
  const path = readFlag(flags, flag.COMPLETED_FILE) ?? "";
  return { bytes: await readBounded(path), contentType: "application/octet-stream" };
}

/** Not a byte more than shows that it is too much: the file may be a device. */
async function readBounded(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of file.createReadStream({ end: SIZES.resultInlineBytesMax })) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
    return Buffer.concat(chunks, bytes);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new OperatorError(`--${flag.COMPLETED_FILE.name} cannot be read (${code ?? message}): ${path}`);
  }
}

function tooLarge(): OperatorError {
  return new OperatorError(
    `the result has more than ${SIZES.resultInlineBytesMax} bytes, which is all that is kept: give a part of it, or where it is`,
  );
}
