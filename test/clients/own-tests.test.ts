import { expect, test } from "vitest";
import { below, runTool } from "../../conformance/drivers/tool.ts";
import { prepareDriver } from "../../conformance/drivers.ts";

const OWN_MS = 300_000;

const python = await prepareDriver("python");
const go = await prepareDriver("go");

test(
  `the tests of clients/python: ${python.leftOut ?? "all of them"}`,
  async () => {
    if (python.command === undefined) return;
    const { command, env } = python.command;
    const said = await runTool(command, ["-m", "pytest", "-p", "no:cacheprovider"], {
      ...{ cwd: below("clients/python"), env: { ...env, PYTHONDONTWRITEBYTECODE: "1" } },
    });
    expect(said).toMatch(/^[1-9]\d* passed/m);
    expect(said).not.toMatch(/left out/);
  },
  OWN_MS,
);

test(
  `the tests of clients/go: ${go.leftOut ?? "all of them"}`,
  async () => {
    if (go.command === undefined) return;
    const said = await runTool("go", ["test", "-count=1", "./..."], { cwd: below("clients/go") });
    expect(said).toMatch(/^ok\s+\S+\/clients\/go\s/m);
    expect(said).not.toMatch(/left out/);
  },
  OWN_MS,
);
