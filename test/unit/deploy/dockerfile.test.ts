import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { OPTIONS } from "../../../src/server/config.ts";
import { pathOf, read, unknownVariables } from "./deployed-settings.ts";

const dockerfile = read("Dockerfile");
const [, stage = ""] = dockerfile.split(/^FROM .*\n(?=RUN|# initdb)/m);
const instructions = dockerfile.split("\n").filter((line) => /^[A-Z]+ /.test(line));
const valuesOf = (name: string) =>
  instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

test("the image runs as a user of its own, by number, so that Kubernetes can tell that it is not root", () => {
  expect(valuesOf("USER")).toEqual(["10001:10001"]);
  expect(stage).toContain("--uid 10001");
});

test("the image names variables that are settings, and no other", () => {
  expect(unknownVariables(dockerfile)).toEqual([]);
});

test("the ports of the image are those of the server", () => {
  const { grpcAddress, httpAddress } = OPTIONS;
  const ports = [grpcAddress, httpAddress].map((option) => (option.default as { readonly port: number }).port);
  expect(valuesOf("EXPOSE")).toEqual([ports.join(" ")]);
});

test("what the image runs are commands", () => {
  const words = [...dockerfile.matchAll(/CMD \["(?:holdfast", ")?([a-z]+)"/g)].map(([, word]) => word);
  expect(words).toEqual(["health", "serve"]);
  expect(COMMANDS.map(({ name }) => name)).toEqual(expect.arrayContaining(words));
  expect(dockerfile).toContain("ln --symbolic /opt/holdfast/src/main.ts /usr/local/bin/holdfast");
  expect(valuesOf("ENTRYPOINT")).toEqual(['["holdfast"]']);
});

test("everything that is copied is there, and sent to the builder", () => {
  const sent = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"))
    .map((line) => line.slice(1));
  const copied = valuesOf("COPY")
    .filter((line) => !line.startsWith("--from"))
    .flatMap((line) => line.split(" ").slice(0, -1));
  expect([...new Set(copied)].toSorted()).toEqual(sent.toSorted());
  expect(copied.filter((path) => !existsSync(pathOf(path)))).toEqual([]);
});

test("Node is of the version that the server needs, and the base has the libraries of the embedded Postgres", () => {
  for (const base of valuesOf("FROM")) expect(base).toMatch(/^node:24-bookworm-slim( AS install)?$/);
});

test("the image says what it is", () => {
  const { description, license } = JSON.parse(read("package.json"));
  expect(dockerfile).toContain(`org.opencontainers.image.description="${description}"`);
  expect(dockerfile).toContain(`org.opencontainers.image.licenses="${license}"`);
  for (const name of ["title", "version", "revision"])
    expect(dockerfile).toContain(`org.opencontainers.image.${name}=`);
});
