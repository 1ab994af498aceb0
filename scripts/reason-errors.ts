// Writes the classes of the client's errors, and the page that lists them, from the reasons of errors.proto. A test fails
// when they are not what this would write.
import { readFileSync, writeFileSync } from "node:fs";
import { errorsPage } from "./reason-errors/page.ts";
import { reasonsOf } from "./reason-errors/reasons.ts";
import { classesSource, errorsSource } from "./reason-errors/sources.ts";

const root = new URL("../", import.meta.url);
const reasons = reasonsOf(readFileSync(new URL("proto/holdfast/v1/errors.proto", root), "utf8"));
writeFileSync(new URL("src/client/reason-errors.ts", root), errorsSource(reasons));
writeFileSync(new URL("src/client/reason-classes.ts", root), classesSource(reasons));
writeFileSync(new URL("docs/clients/errors.md", root), errorsPage(reasons));
