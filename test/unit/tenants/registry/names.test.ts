import { describe, expect, test } from "vitest";
import { Names } from "../../../../src/tenants/registry/names.ts";
import { hostsOf, registrationOf } from "./scene.ts";

function namesOf(...tenants: readonly (readonly [id: string, ...hosts: string[]])[]) {
  const names = new Names();
  for (const [id, ...hosts] of tenants) {
    names.own(null, registrationOf(id, hostsOf(...hosts)));
    names.serve(null, registrationOf(id, hostsOf(...hosts)));
  }
  return names;
}

const issued = (id: string, ...subjects: readonly string[]) =>
  registrationOf(id, {
    issuers: subjects.map((subject) => ({ issuer: "https://issuer.example", subject, audience: "", jwksUrl: "" })),
  });

describe("a host", () => {
  const names = namesOf(["all", "shared.example"], ["a", "shared.example/a"], ["deep", "shared.example/a/b/c"]);
  names.own(null, registrationOf("only", hostsOf("only.example/x")));
  names.serve(null, registrationOf("only", hostsOf("only.example/x")));

  test.each([
    ["shared.example", "", "all"],
    ["shared.example", "/", "all"],
    ["shared.example", "/a", "a"],
    ["shared.example", "/a/", "a"],
    ["shared.example", "/a/b", "a"],
    ["shared.example", "/ab", "all"],
    ["shared.example", "/a/b/c", "deep"],
    ["shared.example", "/a/b/c/d", "deep"],
    ["shared.example", "/a/b/cd", "a"],
    ["shared.example", "/A", "all"],
    ["shared.example", "a", "all"],
    ["shared.example", `/a/b/c/${"d".repeat(600)}`, "deep"],
    ["shared.example", "x".repeat(600), "all"],
    ["shared.example", "/".repeat(2048), "all"],
    ["only.example", "/x/y", "only"],
    ["only.example", "/", null],
    ["only.example", "", null],
    ["shared.example/a", "", null],
    ["shared", ".example", null],
    ["", "", null],
    ["*", "", null],
    ["__proto__", "", null],
  ])("%s with the path %.20s is %s's", (host, path, id) => {
    expect(names.findHost(host, path)).toBe(id);
  });

  test("may be named twice by one tenant, and once by two", () => {
    const twice = registrationOf("twice", hostsOf("twice.example", "twice.example"));
    const own = namesOf(["first", "first.example"]);
    own.own(null, twice);
    own.serve(null, twice);
    expect(own.findHost("twice.example", "")).toBe("twice");
    expect(() => own.own(null, registrationOf("third", hostsOf("free.example", "first.example")))).toThrow(
      expect.objectContaining({ code: "HOST_TAKEN", message: expect.stringContaining("first.example") }),
    );
    own.own(null, registrationOf("fourth", hostsOf("free.example")));
  });

  test("of one tenant stays when another one goes", () => {
    const own = namesOf(["a", "a.example"], ["b", "b.example"]);
    own.forget(registrationOf("a", hostsOf("a.example", "b.example")));
    expect([own.findHost("a.example", ""), own.findHost("b.example", "")]).toEqual([null, "b"]);
  });
});

describe("an issuer and subject", () => {
  test("are the tenant's that names the subject, else the one's that names none", () => {
    const names = new Names();
    for (const tenant of [issued("all", ""), issued("one", "build", "deploy")]) {
      names.own(null, tenant);
      names.serve(null, tenant);
    }
    const find = (subject: string) => names.findIssuer("https://issuer.example", subject);
    expect(["build", "deploy", "other", ""].map(find)).toEqual(["one", "one", "all", "all"]);
    expect(names.findIssuer("https://issuer.exampleb", "uild")).toBeNull();
    names.forget(issued("all", ""));
    expect(["build", "other"].map(find)).toEqual(["one", null]);
  });

  test("belong to one tenant, and a registration that wants them changes nothing", () => {
    const names = new Names();
    names.own(null, issued("one", "build"));
    const size = names.size;
    expect(() => names.own(null, { ...issued("two", "free", "build"), ...hostsOf("two.example") })).toThrow(
      expect.objectContaining({ code: "ISSUER_TAKEN", message: expect.stringContaining("https://issuer.example") }),
    );
    expect(names.size).toBe(size);
  });

  test("nothing is left when all have gone", () => {
    const names = new Names();
    const tenant = { ...issued("one", "build", ""), ...hostsOf("one.example", "one.example/a") };
    names.own(null, tenant);
    names.serve(null, tenant);
    names.forget(tenant);
    expect(names.size).toBe(0);
  });
});
