// Writes docs/configuration.md from the table of options. A test fails when the page is not what this would write.
import { writeFileSync } from "node:fs";
import { configurationPage } from "../src/server/config/help.ts";

writeFileSync(new URL("../docs/configuration.md", import.meta.url), configurationPage());
