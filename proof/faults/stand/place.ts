import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Account, accountFor, giveTo } from "../../../src/server/embedded-postgres/account.ts";
import { identify } from "../../../src/server/embedded-postgres/process.ts";
import { place as roomiest } from "../../../test/support/data-directory.ts";

/** A directory of the account that Postgres runs as, who is never root; gone with its scope, or with this process. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  readonly account: Account | undefined;
  /** To be called for what was put into it. */
  give(): Promise<void>;
}

/** Gone with its scope, or with this process; and with the next run, if this one is killed. */
export interface OwnDirectory extends AsyncDisposable {
  readonly path: string;
}

const PREFIX = "holdfast-faults-";

export async function openPlace(): Promise<Place> {
  const { path, [Symbol.asyncDispose]: remove } = await openDirectory(roomiest);
  await mkdir(join(path, "run"));
  const account = await accountFor(path);
  const give = () => giveTo(account, path);
  await give();
  return { path, account, give, [Symbol.asyncDispose]: remove };
}

export async function openDirectory(parent = tmpdir()): Promise<OwnDirectory> {
  swept ??= removeThoseOfTheDead();
  await swept;
  const path = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", removeNow);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
      process.off("exit", removeNow);
    },
  };
}

let swept: Promise<void> | null = null;

/** What a run that was killed has left behind; its Postgres has ended with it. */
async function removeThoseOfTheDead(): Promise<void> {
  for (const directory of new Set([roomiest, tmpdir()])) {
    for (const name of await readdir(directory)) {
      const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
      if (pid === undefined || (await identify(Number(pid))) !== undefined) continue;
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }
}
