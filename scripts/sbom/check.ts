import { type Bom, type Component, type Lock, shippedIn } from "./shipped.ts";

const UUID = /^urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** In hexadecimal digits. */
const HASH_LENGTHS: Readonly<Record<string, number>> = { "SHA-1": 40, "SHA-256": 64, "SHA-384": 96, "SHA-512": 128 };

/**
 * What is wrong with a bill: what CycloneDX 1.5 requires of it, and that it names exactly what the lock file ships, each
 * with the hash by which it was locked.
 */
export function problemsOf(bom: Bom, lock: Lock): readonly string[] {
  const refs = [bom.metadata.component, ...bom.components].map((component) => component["bom-ref"]);
  const known = new Set(refs);
  return [
    ...when(bom.bomFormat !== "CycloneDX", `bomFormat is ${bom.bomFormat}`),
    ...when(bom.specVersion !== "1.5", `specVersion is ${bom.specVersion}`),
    ...when(!UUID.test(bom.serialNumber), `serialNumber is ${bom.serialNumber}`),
    ...when(!Number.isInteger(bom.version) || bom.version < 1, `version is ${bom.version}`),
    ...when(Number.isNaN(Date.parse(bom.metadata.timestamp)), `the timestamp is ${bom.metadata.timestamp}`),
    ...refs.filter((ref, index) => refs.indexOf(ref) !== index).map((ref) => `${ref} is there twice`),
    ...[bom.metadata.component, ...bom.components].flatMap(incomplete),
    ...bom.components.flatMap((component) => hashProblems(component, shippedIn(lock))),
    ...[...shippedIn(lock).keys()].filter((ref) => !known.has(ref)).map((ref) => `${ref} is shipped and not in it`),
    ...bom.components
      .map((one) => one["bom-ref"])
      .flatMap((ref) => when(!shippedIn(lock).has(ref), `${ref} is not shipped`)),
    ...bom.dependencies.flatMap(({ ref, dependsOn }) =>
      [ref, ...dependsOn].filter((one) => !known.has(one)).map((one) => `${one} is depended on and not in it`),
    ),
  ];
}

function incomplete(component: Component): readonly string[] {
  const { type, name, version, purl, licenses = [] } = component;
  const which = component["bom-ref"];
  return [
    ...when(!["application", "library"].includes(type), `${which} is of type ${type}`),
    ...when(!name || !version, `${which} has no name, or no version`),
    ...when(!purl.startsWith("pkg:npm/"), `${which} has the purl ${purl}`),
    ...when(licenses.length === 0, `${which} has no licence`),
  ];
}

function hashProblems({ "bom-ref": ref, hashes = [] }: Component, shipped: ReadonlyMap<string, string | undefined>) {
  const locked = shipped.get(ref);
  const [hash] = hashes;
  if (hash === undefined) return [`${ref} has no hash`];
  if (hash.content.length !== HASH_LENGTHS[hash.alg]) return [`${ref} has a hash that is no ${hash.alg}`];
  const written = `${hash.alg.replace("-", "").toLowerCase()}-${Buffer.from(hash.content, "hex").toString("base64")}`;
  return when(locked !== undefined && locked !== written, `${ref} has another hash than in the lock file`);
}

function when(isSo: boolean, problem: string): readonly string[] {
  return isSo ? [problem] : [];
}
