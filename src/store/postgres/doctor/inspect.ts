import type { Client } from "pg";
import type { Connection } from "../connection.ts";
import { connectionOf } from "../identity.ts";

/**
 * Reads in one transaction that can write nothing, waits for no lock for long, and leaves no setting behind: a pooler may
 * lend the connection to a server next. Answers come in the formats that are decoded.
 */
export async function inspect<T>(client: Client, work: (connection: Connection) => Promise<T>): Promise<T> {
  await client.query("begin isolation level read committed read only");
  try {
    await client.query(
      `set local statement_timeout = '4s'; set local lock_timeout = '1s'; set local datestyle = 'ISO, YMD';
       set local timezone = 'UTC'; set local bytea_output = 'hex'; set local jit = off`,
    );
    return await work(connectionOf(client));
  } finally {
    await client.query("rollback").catch(() => undefined); // The first error is the one to tell; the session is going.
  }
}
