/** Handles, and who is asked; see README.md for what comes of them. */
export const NAMES: readonly {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly provider: string;
}[] = [
  { tenant: "default", scope: "charge", key: "order-42", provider: "stripe" },
  { tenant: "default", scope: "charge", key: "order-42", provider: "adyen" },
  { tenant: "default", scope: "charge", key: "order-43", provider: "stripe" },
  { tenant: "default", scope: "refund", key: "order-42", provider: "stripe" },
  { tenant: "acme", scope: "charge", key: "order-42", provider: "stripe" },
  // What stands in front of each text keeps these two apart.
  { tenant: "default", scope: "ab", key: "c", provider: "p" },
  { tenant: "default", scope: "a", key: "bc", provider: "p" },
  { tenant: "default", scope: "charge", key: "order-42", provider: "" },
  { tenant: "default", scope: "überweisung", key: "注文-42", provider: "bücher \u{1f4da}" },
  // The same letters, spelt in two ways: two keys.
  { tenant: "default", scope: "charge", key: "\u00e9", provider: "stripe" },
  { tenant: "default", scope: "charge", key: "e\u0301", provider: "stripe" },
  { tenant: "t".repeat(63), scope: "s".repeat(128), key: "k".repeat(512), provider: "p".repeat(300) },
];
