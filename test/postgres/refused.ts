import type { Client } from "pg";
import { expect } from "vitest";

/** Each is refused for want of a right, and for nothing else. */
export async function expectRefused(client: Client, statements: readonly string[]): Promise<void> {
  // What a session can switch off for itself is no protection.
  await client.query("set default_transaction_read_only = off");
  for (const statement of statements) {
    const code = await client.query(statement).then(
      () => "nothing: it was done",
      (error: { readonly code?: string }) => error.code,
    );
    expect([statement, code]).toEqual([statement, "42501"]);
  }
}
