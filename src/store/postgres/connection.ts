/** One database session. Statements are prepared under their name and sent one at a time. */
export interface Connection {
  query<Row>(
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<readonly Row[]>;
}
