import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { configText, configurationPage, optionsHelp } from "../../../src/server/config/help.ts";
import { nearest } from "../../../src/server/config/hint.ts";
import { databaseUrl, formatAddress } from "../../../src/server/config/kinds.ts";
import type { Command } from "../../../src/server/config/option.ts";
import { readConfig } from "../../../src/server/config/read.ts";
import { type Config, OPTIONS, SETTINGS } from "../../../src/server/config.ts";
import { BATCH_LIMITS } from "../../../src/store/postgres/batch-limits.ts";
import { redactUrl } from "../../../src/store/postgres/redacted-url.ts";

const HOME = { HOME: "/home/me" };

function configOf(args: readonly string[], env: Record<string, string> = HOME, command: Command = "serve"): Config {
  const read = readConfig(command, args, env);
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  return read.config;
}

function problemsOf(args: readonly string[], env: Record<string, string> = HOME, command: Command = "serve") {
  const read = readConfig(command, args, env);
  return read.kind === "problems" ? read.problems : [];
}

describe("precedence", () => {
  test("without flags and variables every setting has its default", () => {
    const config = configOf([]);
    expect(config).toMatchObject({
      databaseUrl: null,
      grpcAddress: { host: "127.0.0.1", port: 7400 },
      httpAddress: { host: "127.0.0.1", port: 7401 },
      migrate: null,
      drainDelayMs: 0,
      allowUnsafeDatabase: false,
    });
    expect(Object.keys(config).sort()).toEqual([...SETTINGS].sort());
  });

  test("a flag wins over a variable, and a variable over the default", () => {
    const env = { HOLDFAST_DRAIN_DELAY: "5s", HOLDFAST_DRAIN_GRACE: "20s" };
    expect(configOf(["--drain-delay", "7s"], env)).toMatchObject({ drainDelayMs: 7000, drainGraceMs: 20_000 });
  });

  test("an empty variable is as good as none", () => {
    expect(configOf([], { ...HOME, HOLDFAST_DATABASE_URL: "" }).databaseUrl).toBeNull();
  });

  test("a variable that no option has is ignored: Kubernetes sets HOLDFAST_PORT for a service of that name", () => {
    expect(problemsOf([], { ...HOME, HOLDFAST_PORT: "tcp://10.0.0.1:7400" })).toEqual([]);
  });

  test("a variable of an option that the command does not have is not even read", () => {
    expect(problemsOf([], { ...HOME, HOLDFAST_DRAIN_DELAY: "soon" }, "migrate")).toEqual([]);
  });

  test("the data directory follows XDG_DATA_HOME", () => {
    expect(configOf([], { ...HOME, XDG_DATA_HOME: "/data" }).dataDir).toBe("/data/holdfast");
  });

  test("without it the data lies in the home directory, but for root, whose home Postgres cannot enter", () => {
    const isRoot = process.getuid?.() === 0;
    expect(configOf([]).dataDir).toBe(isRoot ? "/var/lib/holdfast" : "/home/me/.local/share/holdfast");
  });
});

describe("flags", () => {
  test.each([
    [["--migrate"], true],
    [["--migrate=true"], true],
    [["--no-migrate"], false],
    [["--migrate=false"], false],
  ])("%j says migrate = %s", (args, expected) => {
    expect(configOf(args).migrate).toBe(expected);
  });

  test("a value may follow after a space or an equals sign", () => {
    expect(configOf(["--drain-grace=3s"]).drainGraceMs).toBe(configOf(["--drain-grace", "3s"]).drainGraceMs);
  });

  test("the last of several wins", () => {
    expect(configOf(["--drain-grace=3s", "--drain-grace=4s"]).drainGraceMs).toBe(4000);
  });
});

describe("values", () => {
  test.each([
    ["0", 0],
    ["250ms", 250],
    ["10s", 10_000],
    ["5m", 300_000],
  ])("the time %s is %d ms", (text, ms) => {
    expect(configOf(["--drain-delay", text]).drainDelayMs).toBe(ms);
  });

  test.each([
    [["--workers", "3"], 3],
    [["--workers=auto"], 0],
    [[], 1],
  ])("of %j there are %d workers, where 0 stands for one of each processor", (args, workers) => {
    expect(configOf(args).workers).toBe(workers);
  });

  test.each([
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["localhost:80", { host: "127.0.0.1", port: 80 }],
    ["[::1]:7400", { host: "::1", port: 7400 }],
    ["127.9.9.9:1", { host: "127.9.9.9", port: 1 }],
  ])("the address %s is understood", (text, address) => {
    expect(configOf(["--grpc-address", text]).grpcAddress).toEqual(address);
  });

  test.each([
    ["--grpc-address", "7400"],
    ["--grpc-address", "127.0.0.1"],
    ["--grpc-address", "127.0.0.1:65536"],
    ["--grpc-address", "::1:7400"],
    ["--http-address", "http://127.0.0.1:1"],
    ["--drain-delay", "10"],
    ["--drain-delay", "6m"],
    ["--drain-delay", "-1s"],
    ["--drain-grace", "1.5s"],
    ["--sweep-interval", "0"],
    ["--max-concurrent-streams", "0"],
    ["--max-concurrent-streams", "1e3"],
    ["--workers", "0"],
    ["--workers", "65"],
    ["--workers", "1.5"],
    ["--workers", "-1"],
    ["--workers", "Auto"],
    ["--log-level", "loud"],
    ["--log-format", "xml"],
    ["--migrate=perhaps", undefined],
    ["--database-url", "mysql://localhost/db"],
    ["--database-url", "localhost"],
    ["--listen-url", "localhost"],
    ["--data-dir", ""],
    ["--data-dir", undefined],
  ])("%s %s is refused by the name of the flag and what is allowed", (flag, value) => {
    const args = value === undefined ? [flag] : [flag, value];
    const name = flag.split("=")[0]?.slice(2) ?? "";
    const option = SETTINGS.map((setting) => OPTIONS[setting]).find((candidate) => candidate.name === name);
    expect(problemsOf(args)).toEqual([`--${name} must be ${option?.kind.allowed}`]);
  });

  test("a bad variable is refused in the same words, by its own name", () => {
    const [problem] = problemsOf(["--log-level", "loud"]);
    expect(problemsOf([], { ...HOME, HOLDFAST_LOG_LEVEL: "loud" })).toEqual([
      problem?.replace("--log-level", "HOLDFAST_LOG_LEVEL"),
    ]);
  });

  test("everything that is wrong is told at once", () => {
    const problems = problemsOf(["--log-level", "loud", "--drain-dellay", "1s", "--migrate=x"], {
      HOLDFAST_GRPC_ADDRESS: "nowhere",
      HOLDFAST_HTTP_ADDRESS: "0.0.0.0:80",
    });
    expect(problems).toHaveLength(5);
  });

  test("no problem repeats the value, which may be a password in the wrong place", () => {
    const problems = problemsOf(["--data-dir", "", "--log-level", "geheim", "--database-url", "geheim"]);
    expect(problems.join("\n")).not.toContain("geheim");
  });
});

describe("addresses that others can reach", () => {
  const reachable = (address: string) => `--http-address: ${address} can be reached from other machines`;
  const ADDRESSES = ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.com:1", "128.0.0.1:1"];

  test.each(ADDRESSES)("%s is refused while nobody is asked who he is", (address) => {
    expect(problemsOf(["--http-address", address])).toEqual([
      `${reachable(address)}, and nobody would be asked who he is: set --auth (HOLDFAST_AUTH), or listen on loopback only`,
    ]);
  });

  test.each(ADDRESSES)("%s is refused in clear text, unless that is said to be wanted", (address) => {
    const given = ["--http-address", address, "--auth", "api-key"];
    expect(problemsOf(given)).toEqual([
      `${reachable(address)}, and credentials would be sent in clear text: set --tls-cert (HOLDFAST_TLS_CERT) or ` +
        "--allow-plaintext (HOLDFAST_ALLOW_PLAINTEXT)",
    ]);
    expect(problemsOf([...given, "--allow-plaintext"])).toEqual([]);
    expect(problemsOf([...given, "--tls-cert", "a.pem", "--tls-key", "b.pem"])).toEqual([]);
  });
});

describe("commands that do not listen", () => {
  const SERVER = {
    ...HOME,
    HOLDFAST_AUTH: "mtls",
    HOLDFAST_GRPC_ADDRESS: "0.0.0.0:7400",
    HOLDFAST_HTTP_ADDRESS: "0.0.0.0:7401",
    HOLDFAST_TLS_CERT: "cert.pem",
  };

  test.each<Command>(["health", "tenants", "apikeys", "migrate", "admin"])(
    "%s is not told what a server must have, of which it sees a part",
    (command) => {
      expect(problemsOf([], SERVER, command)).toEqual([]);
    },
  );

  test.each<Command>(["serve", "config"])("%s is", (command) => {
    expect(problemsOf([], SERVER, command)).toHaveLength(3);
  });

  test("health takes the server's address and certificate from its environment", () => {
    expect(configOf([], SERVER, "health")).toMatchObject({
      httpAddress: { host: "0.0.0.0", port: 7401 },
      tlsCert: "cert.pem",
    });
  });

  test("health needs a port that can be called", () => {
    expect(problemsOf(["--http-address", "127.0.0.1:0"], HOME, "health")).toEqual([
      "--http-address must name the port that the server has: 0 is any free one",
    ]);
    expect(problemsOf(["--http-address", "127.0.0.1:0"])).toEqual([]);
  });

  test.each<Command>(["health", "tenants", "apikeys"])("%s shows a certificate with its key, or none", (command) => {
    const [cert, key] = [
      ["--client-cert", "c"],
      ["--client-key", "k"],
    ];
    const needs = (one: string, other: string) => [
      `--client-${one} needs --client-${other} (HOLDFAST_CLIENT_${other.toUpperCase()})`,
    ];
    expect(problemsOf(cert, HOME, command)).toEqual(needs("cert", "key"));
    expect(problemsOf(key, HOME, command)).toEqual(needs("key", "cert"));
    expect(problemsOf([...cert, ...key], HOME, command)).toEqual([]);
  });
});

describe("settings that need others", () => {
  const names = (problems: readonly string[]) =>
    problems.map((problem) => problem.replaceAll(/ \(HOLDFAST_\w+\)/g, ""));
  const JWT = ["--jwt-issuer", "https://i", "--jwt-audience", "a", "--jwt-jwks-url", "https://i/keys"];
  const EU = ["--placements", "eu=postgres://u@h/d"];

  test.each<[string, readonly string[], readonly string[]]>([
    ["a certificate without key", ["--tls-cert", "c"], ["--tls-cert needs --tls-key"]],
    ["a key without certificate", ["--tls-key", "k"], ["--tls-key needs --tls-cert"]],
    [
      "authorities alone",
      ["--tls-client-ca", "a"],
      ["--tls-client-ca needs --tls-cert", "--tls-client-ca needs --auth mtls"],
    ],
    ["mtls alone", ["--auth", "mtls"], ["--auth mtls needs --tls-client-ca", "--auth mtls needs --certificate-tenant"]],
    [
      "an issuer alone",
      ["--auth", "jwt", ...JWT.slice(0, 2)],
      ["--jwt-issuer needs --jwt-audience", "--jwt-issuer needs --jwt-jwks-url"],
    ],
    ["an issuer without jwt", ["--auth", "api-key", ...JWT], ["--jwt-issuer needs --auth jwt"]],
    [
      "a placement called main",
      ["--placements", "main=postgres://u@h/d"],
      ['--placements: "main" is the cluster of --database-url'],
    ],
    ["a placement twice", ["--placements", `${EU[1]} ${EU[1]}`], ['--placements names "eu" twice']],
    [
      "a listen address of no placement",
      [...EU, "--placement-listen-urls", "us=postgres://u@h/d"],
      ['--placement-listen-urls: there is no placement "us" in --placements'],
    ],
  ])("%s", (_, args, problems) => {
    expect(names(problemsOf(args))).toEqual(problems);
  });

  test.each([
    [["--auth", "jwt", ...JWT]],
    [["--auth", "jwt"]],
    [
      [
        "--auth",
        "mtls,api-key",
        "--tls-cert",
        "c",
        "--tls-key",
        "k",
        "--tls-client-ca",
        "a",
        "--certificate-tenant",
        "DNS:{tenant}.x",
      ],
    ],
    [[...EU, "--placement-listen-urls", "eu=postgres://u@h2/d"]],
  ])("%j is whole", (args) => {
    expect(problemsOf(args)).toEqual([]);
  });

  test.each([
    ["--auth", "api-key,other"],
    ["--auth", "api-key,api-key"],
    ["--auth", ""],
    ["--certificate-tenant", "DNS:x"],
    ["--certificate-tenant", "{tenant}"],
    ["--certificate-tenant", "DNS:{tenant}.{tenant}"],
    ["--jwt-jwks-url", "ftp://x"],
    ["--placements", "eu=http://x"],
    ["--placements", "EU=postgres://u@h/d"],
  ])("%s %j is not allowed", (flag, value) => {
    expect(problemsOf([flag, value])[0]).toContain(`${flag} must be `);
  });

  test("secrets in addresses are not shown", () => {
    expect(OPTIONS.placements.kind.format([{ name: "eu", url: "postgres://u:geheim@h/d" }])).toBe(
      "eu=postgres://u:***@h/d",
    );
    expect(OPTIONS.jwtJwksUrl.kind.format("https://u:geheim@i/keys?x=geheim")).toBe("https://***@i/keys?***");
    expect(OPTIONS.apiKey.kind.format("hf_id.geheim")).toBe("***");
  });
});

describe("hints", () => {
  test.each([
    ["--grpc-adress", "--grpc-address"],
    ["--databse-url", "--database-url"],
  ])("for %s the flag %s is meant", (given, meant) => {
    expect(problemsOf([given, "x"])[0]).toContain(`did you mean ${meant}?`);
  });

  test("where nothing is near the help is named", () => {
    expect(problemsOf(["--verbose"])[0]).toContain('see "holdfast serve --help"');
  });

  test("a flag of another command is unknown to this one", () => {
    expect(problemsOf(["--timeout", "1s"])).toHaveLength(1);
    expect(problemsOf(["--timeout", "1s"], HOME, "health")).toEqual([]);
  });

  test("of a short word not everything that is three letters away is near", () => {
    expect(nearest("launch", ["bench", "serve"])).toBeUndefined();
    expect(nearest("lunch", ["bench", "launch"])).toBe("launch");
    expect(nearest("srve", ["serve"])).toBe("serve");
  });

  test("a word that is long costs no more than its beginning", () => {
    expect(nearest("x".repeat(1_000_000), ["serve"])).toBeUndefined();
  });
});

describe("secrets", () => {
  test.each([
    ["postgres://me:geheim@db:5432/holdfast", "postgres://me:***@db:5432/holdfast"],
    [
      "postgresql://db/holdfast?password=geheim&sslmode=require",
      "postgresql://db/holdfast?password=***&sslmode=require",
    ],
    ["postgres://me@/holdfast?host=/run/pg", "postgres://me@/holdfast?host=/run/pg"],
    ["postgres://me:ge@heim@db/x", "postgres://me:***@db/x"],
    ["nonsense geheim", "(hidden)"],
  ])("%s is shown as %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });

  test.each(["postgres:///postgres?host=%2Ftmp%2Fx&port=5432&user=postgres", "postgres://u@/n?host=/run"])(
    "the form for sockets %s is accepted",
    (url) => {
      expect(databaseUrl.parse(url)).toBe(url);
    },
  );

  test("what is in force is printed without the password, each with its source", () => {
    const listenUrl = "postgres://me:geheim@direct/x?password=geheim";
    const read = readConfig("config", ["--drain-grace", "1m", "--listen-url", listenUrl], {
      HOLDFAST_DATABASE_URL: "postgres://me:geheim@db/x",
    });
    if (read.kind !== "config") throw new Error("problems");
    const text = configText(read.config, read.sources);
    expect(text).toContain("database-url = postgres://me:***@db/x  # environment");
    expect(text).toContain("listen-url = postgres://me:***@direct/x?password=***  # flag");
    expect(text).toContain("drain-grace = 1m  # flag");
    expect(text).toContain("log-level = info  # default");
    expect(text).not.toContain("geheim");
  });
});

describe("the texts come from the table", () => {
  test("docs/configuration.md is what the script would write", () => {
    const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
    expect(page).toBe(configurationPage());
  });

  test("every option is in the help of each command that has it", () => {
    for (const setting of SETTINGS) {
      const { name, commands } = OPTIONS[setting];
      for (const command of commands)
        expect(optionsHelp(command)).toMatch(new RegExp(`^  --(\\[no-\\])?${name}( |$)`, "m"));
    }
  });

  test("an option without a value is shown with its opposite", () => {
    expect(optionsHelp("serve")).toContain("  --[no-]migrate\n");
    expect(optionsHelp("serve")).toContain("  --grpc-address HOST:PORT\n");
  });

  test("every default of an option is a value that the option allows", () => {
    const config = configOf([]);
    for (const setting of SETTINGS) {
      const { kind } = OPTIONS[setting] as { kind: { parse(text: string): unknown; format(value: unknown): string } };
      const value: unknown = config[setting];
      if (value !== null) expect([setting, kind.parse(kind.format(value))]).toEqual([setting, value]);
    }
  });

  test("the defaults of the queue are the store's", () => {
    const { queueCallsMax, queueBytesMax } = BATCH_LIMITS;
    expect(configOf([])).toMatchObject({ maxQueueCalls: queueCallsMax, maxQueueBytes: queueBytesMax });
  });

  test("addresses are written as they are read", () => {
    expect(formatAddress({ host: "::1", port: 1 })).toBe("[::1]:1");
  });
});
