// The driver of the TypeScript client; see ../README.md for what it speaks. `node conformance/drivers/typescript.ts`
import { onLine } from "../lines.ts";
import { describeError } from "./typescript/errors.ts";
import { createOperations } from "./typescript/operations.ts";

const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const operations = createOperations(write);

onLine(process.stdin, (line) => {
  const { id, op, ...fields } = JSON.parse(line) as { readonly id: number; readonly op: string };
  operations.run(id, op, fields).then(
    (ok) => write({ id, ok }),
    (error: unknown) => write({ id, error: describeError(error) }),
  );
});
// Whatever is open: what has been written goes out first.
process.stdin.on("end", () => process.stdout.write("", () => process.exit(0)));
