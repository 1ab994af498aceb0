// Writes docs/cli.md from the tables of commands. A test fails when the page is not what this would write.
import { writeFileSync } from "node:fs";
import { cliPage } from "../src/cli/page.ts";

writeFileSync(new URL("../docs/cli.md", import.meta.url), await cliPage());
