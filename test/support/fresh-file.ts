// Before each test file of a project whose files share processes: nothing of ours that an earlier one loaded, mocked or
// registered is seen by the next. What is shared is what comes from node_modules, which takes longer to load than most
// files to run.
import { context, diag, propagation, trace } from "@opentelemetry/api";
import { vi } from "vitest";

vi.resetModules();
for (const api of [trace, context, propagation, diag]) api.disable();
