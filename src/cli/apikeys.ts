import { toRoles } from "../rpc/wire/api-key.ts";
import { type ApiKeyJson, apiKeyToJson, createdToJson } from "../rpc/wire/api-key-json.ts";
import { toDuration } from "../rpc/wire/time.ts";
import { optionsHelp } from "../server/config/help.ts";
import { withAdmin } from "./admin-client.ts";
import {
  APIKEYS_USAGE,
  type ApiKeysRequest,
  apiKeysFlagsHelp,
  apiKeysSubcommands,
  readApiKeysArguments,
} from "./apikeys/arguments.ts";
import { type CommandShape, NO_SHAPE } from "./command-shape.ts";
import type { CommandIo } from "./commands.ts";
import { readSettings } from "./settings.ts";
import { jsonText, tableText } from "./table.ts";
import { helpPage } from "./wrap.ts";

const ABOUT =
  "Makes, revokes and lists the API keys of a running server, with an API key that has the role admin. A key that is\n" +
  "made is printed once. A revoked key is worthless on every server within a second.";

export function apikeysShape(): CommandShape {
  return { ...NO_SHAPE, settings: "apikeys", about: ABOUT, subcommands: apiKeysSubcommands() };
}

type Admin = Parameters<Parameters<typeof withAdmin>[2]>[0];

export async function apikeys(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    io.out(helpPage(`${APIKEYS_USAGE}\n\n${ABOUT}\n\n${apiKeysFlagsHelp()}\n${optionsHelp("apikeys")}\n`));
    return 0;
  }
  const read = readApiKeysArguments(args);
  if (read.kind === "problems") {
    io.error(read.problems.map((problem) => `holdfast: ${problem}\n`).join(""));
    return 2;
  }
  const settings = await readSettings({ command: "apikeys", about: ABOUT }, read.settings, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const next = { API_KEY_NOT_FOUND: '"holdfast apikeys list" has those that there are' };
  return withAdmin(config, io, (admin) => run(admin, read.request, config.output === "json", io), next);
}

async function run(admin: Admin, request: ApiKeysRequest, json: boolean, io: CommandIo): Promise<number> {
  switch (request.kind) {
    case "create":
      io.out(await create(admin, request, json, io.terminal));
      return 0;
    case "revoke": {
      const { apiKey } = await admin.revokeApiKey({ keyId: request.id, reason: request.reason });
      if (apiKey === undefined) throw new Error("the server answered without a key");
      const revoked = apiKeyToJson(apiKey);
      io.out(json ? jsonText(revoked) : `API key ${revoked.keyId} is revoked.\n`);
      return 0;
    }
    case "list": {
      const keys = await listAll(admin, request.tenant);
      io.out(json ? jsonText({ apiKeys: keys }) : tableText(HEADS, keys.map(cellsOf)));
      return 0;
    }
  }
}

async function create(
  admin: Admin,
  request: Extract<ApiKeysRequest, { readonly kind: "create" }>,
  json: boolean,
  terminal: boolean,
): Promise<string> {
  const { tenant: tenantId, name: displayName, lifetimeMs } = request;
  const lifetime = lifetimeMs === null ? {} : { lifetime: toDuration(lifetimeMs) };
  const created = createdToJson(
    await admin.createApiKey({ tenantId, roles: toRoles(request.roles), displayName, ...lifetime }),
  );
  if (json) return jsonText(created);
  // Into a pipe or a variable goes the key and nothing else.
  if (!terminal) return `${created.secret}\n`;
  const { apiKey, secret } = created;
  return [
    `API key ${apiKey.keyId}, of ${tenantOf(apiKey)}, with ${rolesOf(apiKey)}.`,
    "Keep it where you keep passwords: it is shown here and never again.",
    "",
    `  ${secret}`,
    "",
  ].join("\n");
}

const PAGE_SIZE = 1000;

async function listAll(admin: Admin, tenantId: string): Promise<readonly ApiKeyJson[]> {
  const keys: ApiKeyJson[] = [];
  for (let pageToken: string | null = ""; pageToken !== null; ) {
    const page: Awaited<ReturnType<Admin["listApiKeys"]>> = await admin.listApiKeys({
      ...{ tenantId, pageToken, pageSize: PAGE_SIZE },
    });
    keys.push(...page.apiKeys.map(apiKeyToJson));
    pageToken = page.nextPageToken === "" ? null : page.nextPageToken;
  }
  return keys;
}

const HEADS = ["KEY", "TENANT", "ROLES", "NAME", "CREATED", "EXPIRES", "REVOKED"];

function cellsOf(key: ApiKeyJson): readonly string[] {
  const { keyId, displayName, createTime, expireTime, revokeTime } = key;
  return [
    keyId,
    key.tenantId || "(every)",
    rolesOf(key),
    displayName,
    ...[createTime, expireTime, revokeTime].map(toSecond),
  ];
}

function tenantOf({ tenantId }: ApiKeyJson): string {
  return tenantId === "" ? "every tenant" : `tenant ${tenantId}`;
}

function rolesOf({ roles }: ApiKeyJson): string {
  return roles.map((role) => role.replace(/^ROLE_/, "").toLowerCase()).join(",");
}

function toSecond(time = "-"): string {
  return time.replace(/\.\d+Z$/, "Z");
}
