import { OperatorError } from "../../server/operator-error.ts";
import { readMasterKeys } from "../../server/sealing.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { createPostgresTenantKeyTable } from "../../store/sealed/postgres/tenant-key-table.ts";
import { addTenantKey, type RotationDeps, rewrapTenantKeys } from "../../store/sealed/rotation.ts";

const BATCH_MAX = 500;

/** What was done, as a sentence. Throws `OperatorError` when there is nothing to do it with. */
export async function rotateTenantKey(
  tenant: string | undefined,
  masterKeyFile: string | null,
  connection: Connection,
): Promise<string> {
  if (tenant === undefined) throw new OperatorError('say whose: "holdfast admin rotate-key TENANT"');
  const version = await addTenantKey(await rotation(masterKeyFile, connection), tenant);
  if (version === null)
    throw new OperatorError(`${tenant} has no keys: it is not encrypted, or nobody has called for it yet`);
  return `${tenant} has key ${version}. Servers write with it within a minute; what older keys sealed is read with them.`;
}

/** The same. Keys that could not be unwrapped stay as they are, and that is an error. */
export async function rewrapKeys(masterKeyFile: string | null, connection: Connection): Promise<string> {
  const deps = await rotation(masterKeyFile, connection);
  const { keys, failed, reasons } = await rewrapTenantKeys(deps, { batchMax: BATCH_MAX });
  const done = `${keys} keys of tenants were wrapped anew, with the master key ${deps.masterKeys.current.id}.`;
  if (failed === 0) return `${done} Others are needed no more.`;
  throw new OperatorError(`${done} ${failed} could not be: ${reasons.join("; ")}`);
}

async function rotation(masterKeyFile: string | null, connection: Connection): Promise<RotationDeps> {
  if (masterKeyFile === null) throw new OperatorError("give the master keys: --master-key-file FILE");
  const table = createPostgresTenantKeyTable({ run: (work) => work(connection) });
  return { table, masterKeys: await readMasterKeys(masterKeyFile) };
}
