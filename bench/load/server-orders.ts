/** What a server process is told besides the calls it serves. */
export type ServerOrder =
  /** Of the processor, since its start. */
  | { readonly kind: "cpu" }
  /** What the echo is to answer: an encoded ClaimResponse. */
  | { readonly kind: "echo"; readonly answer: Uint8Array };

export interface ServerAnswers {
  cpu: { readonly micros: number };
  echo: Record<string, never>;
}
