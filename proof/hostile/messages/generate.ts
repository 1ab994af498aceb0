import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Chance } from "../../sim/chance.ts";
import { LARGE_KEY } from "../stand/records.ts";
import { bytesField, tag, varint, varintField, WIRE } from "./wire.ts";

/** What is real on the server that is attacked. */
export interface World {
  /** Encoded lease handles, of leases that are held. */
  readonly handles: readonly Uint8Array[];
}

const DEPTH_MAX = 4;

/**
 * A message of this type, encoded: of what its fields may hold, mostly what makes sense, so that much of it gets as far
 * as the database. What a server does with sensible requests is not judged here, only that it answers.
 */
export function generate(desc: DescMessage, chance: Chance, world: World, depth = 0): Buffer {
  const special = SPECIAL.get(desc.typeName);
  if (special !== undefined && chance.chance(0.9)) return special(chance, world);
  if (depth > DEPTH_MAX) return Buffer.alloc(0);
  const chosen = new Set(desc.oneofs.map(({ fields }) => chance.pick(fields)));
  const parts = desc.fields.map((field) => {
    const isWanted = field.oneof === undefined ? chance.chance(0.6) : chosen.has(field);
    return isWanted ? encodeField(field, chance, world, depth) : Buffer.alloc(0);
  });
  return Buffer.concat(parts);
}

function encodeField(field: DescField, chance: Chance, world: World, depth: number): Buffer {
  const { number } = field;
  const one = (): Buffer => {
    if (field.fieldKind === "map") return bytesField(number, mapEntry(field, chance, world, depth));
    if (field.message !== undefined) return bytesField(number, generate(field.message, chance, world, depth + 1));
    if (field.enum !== undefined) return varintField(number, chance.whole(0, field.enum.values.length));
    return scalarField(number, field.name, field.scalar ?? ScalarType.STRING, chance);
  };
  const isMany = field.fieldKind === "list" || field.fieldKind === "map";
  return Buffer.concat(Array.from({ length: isMany ? chance.whole(0, 3) : 1 }, one));
}

type MapField = Extract<DescField, { readonly fieldKind: "map" }>;

function mapEntry(field: MapField, chance: Chance, world: World, depth: number): Buffer {
  const key = scalarField(1, "key", field.mapKey, chance);
  if (field.message !== undefined) {
    return Buffer.concat([key, bytesField(2, generate(field.message, chance, world, depth + 1))]);
  }
  return Buffer.concat([key, scalarField(2, "value", field.scalar ?? ScalarType.STRING, chance)]);
}

const EDGES = [0n, 1n, 2n, 100n, 127n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n - 1n, -1n];

function scalarField(number: number, name: string, type: ScalarType, chance: Chance): Buffer {
  switch (type) {
    case ScalarType.STRING:
      return bytesField(number, Buffer.from(textFor(name, chance)));
    case ScalarType.BYTES:
      return bytesField(number, Buffer.alloc(chance.pick([0, 1, 16, 32, 64, 1000]), chance.whole(0, 255)));
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return Buffer.concat([tag(number, WIRE.fixed64), double(chance.pick([0, 0.5, 1, 2, Number.NaN, -1]))]);
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return Buffer.concat([tag(number, WIRE.fixed32), Buffer.alloc(4, chance.whole(0, 255))]);
    default:
      return Buffer.concat([tag(number, WIRE.varint), varint(chance.pick(EDGES))]);
  }
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

const TEXTS = ["", "a", "hostile", "*", "%", "../", "é", "a\0b", "\ufffd", "__proto__", "x".repeat(600)];

/** Tenants that do not matter: what an administrator is made to do to them hurts nobody. */
const TENANTS = ["hostile-a", "hostile-b", "hostile-c", "nobody", "", "UPPER", "a".repeat(64)];

function textFor(name: string, chance: Chance): string {
  if (chance.chance(0.1)) return chance.pick(TEXTS);
  if (name === "claim_id") return `hostile-claim-${chance.whole(0, 50)}`;
  if (name === "tenant" || name === "tenant_id") return chance.pick(TENANTS);
  if (name === "scope") return LARGE_KEY.scope;
  if (name === "key")
    return chance.pick([LARGE_KEY.key, `held-${chance.whole(0, 7)}`, `fresh-${chance.whole(0, 200)}`]);
  if (name === "host")
    return chance.pick(["hostile.example", "a.b.example.", "*.example", "[::1]", "xn--bcher-kva.de"]);
  // Addresses that nobody may be made to ask.
  if (name.endsWith("url") || name === "issuer")
    return chance.pick(["https://127.0.0.1/keys", "http://10.0.0.1", "x:"]);
  if (name === "type_url") return chance.pick(["type.googleapis.com/google.protobuf.Duration", "/", "a.b/c", ""]);
  return chance.pick(TEXTS);
}

const SPECIAL: ReadonlyMap<string, (chance: Chance, world: World) => Buffer> = new Map<
  string,
  (chance: Chance, world: World) => Buffer
>([
  ["holdfast.v1.LeaseHandle", (chance: Chance, { handles }: World) => Buffer.from(chance.pick(handles))],
  [
    "holdfast.v1.RecordKey",
    (chance: Chance) =>
      Buffer.concat([
        bytesField(2, Buffer.from(textFor("scope", chance))),
        bytesField(3, Buffer.from(textFor("key", chance))),
      ]),
  ],
  // Short: a call that waits for a minute is not judged in time.
  ["google.protobuf.Duration", (chance: Chance) => varintField(1, chance.whole(0, 2))],
]);
