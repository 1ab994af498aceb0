import { dirname } from "node:path";
import { accountFor } from "../../../src/server/embedded-postgres/account.ts";
import { type Binaries, findBinaries } from "../../../src/server/embedded-postgres/binaries.ts";
import type { Program } from "../../../test/infra/support/packages.ts";
import { openPlace } from "./place.ts";

/** Postgres as it comes through npm. */
export interface Programs {
  readonly program: Program;
  readonly initdb: string;
  /** As in "18.4". */
  readonly version: string;
}

let found: Promise<Programs> | null = null;

/** Copied to where its account can reach them, where that is not so; that copy lasts as long as this process. */
export function findPrograms(): Promise<Programs> {
  found ??= find();
  return found;
}

async function find(): Promise<Programs> {
  const place = await openPlace();
  const binaries: Binaries = await findBinaries(place.path, await accountFor(place.path));
  if (binaries.copiedBecause === undefined) await place[Symbol.asyncDispose]();
  const { postgres, initdb, version } = binaries;
  const program = { path: postgres, directory: dirname(postgres), env: {}, version: `postgres ${version}` };
  return { program, initdb, version };
}
