export type Attempt<Value> =
  | { readonly kind: "done"; readonly value: Value }
  | { readonly kind: "threw"; readonly error: unknown };

/** What became of it, thrown at once or later, so that one comparison stands behind the one await. */
export async function attempt<Value>(act: () => Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { kind: "done", value: await act() };
  } catch (error) {
    return { kind: "threw", error };
  }
}
