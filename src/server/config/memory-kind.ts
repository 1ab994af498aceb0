import { orWordForm, textForm } from "./file-forms.ts";
import type { Kind } from "./kinds.ts";

const MEMORY = /^(\d{1,9})(MiB|GiB)$/;
const UNIT_BYTES = { MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** Bytes, written in MiB or GiB. */
export const memory: Kind<number> = {
  placeholder: "SIZE",
  allowed: "a size such as 512MiB or 2GiB",
  parse(value) {
    const match = MEMORY.exec(value);
    const bytes = Number(match?.[1]) * UNIT_BYTES[match?.[2] as keyof typeof UNIT_BYTES];
    return bytes > 0 ? bytes : undefined;
  },
  format: (bytes) => (bytes % UNIT_BYTES.GiB === 0 ? `${bytes / UNIT_BYTES.GiB}GiB` : `${bytes / UNIT_BYTES.MiB}MiB`),
  inFile: textForm(MEMORY),
};

/** A number that is never 0, or the word off, which is 0. */
export function orOff(kind: Kind<number>): Kind<number> {
  return orWord(kind, "off");
}

/** A number that is never 0, or a word, which is 0. */
export function orWord(kind: Kind<number>, word: string): Kind<number> {
  return {
    ...kind,
    placeholder: `${kind.placeholder}|${word}`,
    allowed: `${kind.allowed}, or ${word}`,
    parse: (value) => (value === word ? 0 : kind.parse(value)),
    format: (value) => (value === 0 ? word : kind.format(value)),
    inFile: orWordForm(kind.inFile ?? textForm(), word),
  };
}
