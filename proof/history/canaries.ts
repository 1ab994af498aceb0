const CANARY = /holdfast-canary\(([^()]{1,63})\)/g;

/** A text that a driver puts into everything it stores of a tenant: no other tenant's answer may hold it. */
export function canaryOf(tenant: string): string {
  return `holdfast-canary(${tenant})`;
}

/** The tenants whose canaries are in it. */
export function canariesIn(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return [...new Set(Array.from(text.matchAll(CANARY), ([, tenant = ""]) => tenant))];
}
