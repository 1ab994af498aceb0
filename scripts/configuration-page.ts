// Writes docs/configuration.md and docs/holdfast.schema.json from the table of options. A test fails when they are not what
// this would write.
import { writeFileSync } from "node:fs";
import { configurationPage } from "../src/server/config/help.ts";
import { configSchema } from "../src/server/config/schema.ts";

const docs = new URL("../docs/", import.meta.url);
writeFileSync(new URL("configuration.md", docs), configurationPage());
writeFileSync(new URL("holdfast.schema.json", docs), `${JSON.stringify(configSchema(), null, 2)}\n`);
