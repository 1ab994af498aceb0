import type { Reason } from "./reasons.ts";

/** Those that other parts of the client throw too have their classes in errors.ts. */
const BY_HAND: ReadonlySet<string> = new Set(["FingerprintMismatchError", "ResultConflictError"]);

const HEADER = `// Made by \`node scripts/reason-errors.ts\` from proto/holdfast/v1/errors.proto: do not edit.\n`;
const WIDTH = 120;

/** src/client/reason-errors.ts. */
export function errorsSource(reasons: readonly Reason[]): string {
  const classes = reasons.filter(({ className }) => !BY_HAND.has(className)).map(classSource);
  return `${HEADER}import { HoldfastError } from "./errors.ts";\n\n${classes.join("\n")}`;
}

/** src/client/reason-classes.ts. */
export function classesSource(reasons: readonly Reason[]): string {
  const [own, made] = [true, false].map((isByHand) =>
    reasons.map(({ className }) => className).filter((name) => BY_HAND.has(name) === isByHand),
  ) as [string[], string[]];
  const entries = reasons.map(({ name, className }) => `  ["${name}", ${className}],\n`);
  return [
    HEADER,
    `import { ${["type ErrorClass", ...own].join(", ")} } from "./errors.ts";\n`,
    `import {\n${made
      .sort()
      .map((name) => `  ${name},\n`)
      .join("")}} from "./reason-errors.ts";\n\n`,
    "/** The class of each reason of holdfast.v1.ErrorReason. A Map, because reasons are the server's word. */\n",
    "export const REASON_CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([\n",
    ...entries,
    "]);\n",
  ].join("");
}

function classSource({ className, code, meaning }: Reason): string {
  const head = `export class ${className} extends HoldfastError {\n`;
  return `${docComment(`${code}. ${meaning}`)}${head}  override readonly name = "${className}";\n}\n`;
}

function docComment(text: string): string {
  const line = `/** ${text} */\n`;
  if (line.length <= WIDTH + 1) return line;
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 1 > WIDTH - 3) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return `/**\n${lines.map((each) => ` * ${each}\n`).join("")} */\n`;
}
