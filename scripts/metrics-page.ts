// Writes docs/metrics.md from the catalog of metrics. A test fails when the page is not what this would write.
import { writeFileSync } from "node:fs";
import { metricsPage } from "../src/telemetry/metrics-page.ts";

writeFileSync(new URL("../docs/metrics.md", import.meta.url), metricsPage());
