import { count, file, flag, type NamedUrl, namedUrls } from "./kinds.ts";
import { option } from "./option.ts";

/** Tenants, and where their records are. */
export const TENANT_OPTIONS = {
  placements: option<readonly NamedUrl[] | null>({
    name: "placements",
    kind: namedUrls,
    default: null,
    defaultDoc: "none: every tenant is on --database-url, which is the placement main",
    doc: "Further Postgres clusters that tenants may be placed on.",
    commands: ["serve", "migrate", "config", "doctor", "audit"],
  }),
  placementListenUrls: option<readonly NamedUrl[] | null>({
    name: "placement-listen-urls",
    kind: namedUrls,
    default: null,
    defaultDoc: "none: the placements' own",
    doc: "What --listen-url is to --database-url, for placements behind a pooler.",
    commands: ["serve", "config", "doctor"],
  }),
  tenantsFile: option<string | null>({
    name: "tenants-file",
    kind: file,
    default: null,
    defaultDoc: "none",
    doc: "Tenants to register, or to update where they differ, before the server listens; YAML or JSON. A tenant that is not in the file is left alone.",
    commands: ["serve", "config"],
  }),
  masterKeyFile: option<string | null>({
    name: "master-key-file",
    kind: file,
    default: null,
    defaultDoc: "none: nothing is encrypted",
    doc: "Keys that encrypt the keys of tenants, one `ID:BASE64` of 32 bytes in a line; the first is written with, all are read with. Tenants that are registered from then on store results, checkpoints and errors encrypted.",
    commands: ["serve", "config", "admin"],
  }),
  validatorPort: option({
    name: "validator-port",
    kind: count(1, 65_535),
    default: 443,
    doc: "The port that addresses of validators and of tenants' key sets may have, besides 443.",
    commands: ["serve", "config"],
  }),
  validatorLoopback: option({
    name: "validator-loopback",
    kind: flag,
    default: false,
    doc: "Let these addresses be on this machine, also with http. For development: whoever registers tenants can then reach what listens here.",
    commands: ["serve", "config"],
  }),
} as const;
