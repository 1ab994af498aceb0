/** A bill of materials as CycloneDX 1.5 has it, as far as it is looked at here. */
export interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

export interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

/** package-lock.json of version 3. */
export interface Lock {
  readonly name: string;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly name?: string;
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
}

const DEVELOPMENT = "cdx:npm:package:development";
const WITHIN = "node_modules/";

/** What is installed with `npm ci --omit=dev`, on one platform or another: name@version, and the hash of its archive. */
export function shippedIn(lock: Lock): ReadonlyMap<string, string | undefined> {
  return new Map(
    Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== "" && !dev)
      .map(([path, { name, version, integrity }]) => [
        `${name ?? path.slice(path.lastIndexOf(WITHIN) + WITHIN.length)}@${version}`,
        integrity,
      ]),
  );
}

/**
 * Of npm's bill of everything the part that is shipped. Not `npm sbom --omit dev`: npm 11.19 leaves out all that a
 * development dependency needs too, grpc-js and half of pg among it.
 */
export function shippedOf(everything: Bom, lock: Lock): Bom {
  const shipped = shippedIn(lock);
  const root = everything.metadata.component;
  const isKept = (ref: string) => shipped.has(ref) || ref === root["bom-ref"];
  return {
    ...everything,
    // npm calls the project as its folder is called.
    metadata: { ...everything.metadata, component: { ...root, name: lock.name } },
    components: everything.components.filter((component) => isKept(component["bom-ref"])).map(asShipped),
    dependencies: everything.dependencies
      .filter(({ ref }) => isKept(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) })),
  };
}

/** One that is there twice, once for development, is told once, by whichever came first. */
function asShipped(component: Component): Component {
  return { ...component, properties: (component.properties ?? []).filter(({ name }) => name !== DEVELOPMENT) };
}
