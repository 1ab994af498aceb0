import type { TenantSelector } from "../../domain/tenant.ts";
import { normalisePath, pathPrefixes } from "../paths.ts";
import type { FoundName } from "../table.ts";
import { type BoundedMap, createBoundedMap } from "../validators/bounded-map.ts";
import { isTenantId } from "./absent.ts";
import type { Lookups } from "./lookups.ts";

export interface NamesDeps {
  readonly find: (selector: TenantSelector) => Promise<FoundName>;
  readonly lookups: Lookups;
  readonly namesMax: number;
}

/**
 * Whose name something is, as the table has said; one question for all who ask at once. What is nobody's is remembered
 * as what is somebody's is, in one place and for as long, and costs as much: the time of an answer does not tell the one
 * from the other.
 */
export interface Names {
  /** Rejects with `Fault` OVERLOADED when too much was asked lately. */
  find(selector: TenantSelector): Promise<string | null>;
  /** Somebody's names have changed. Nothing that was asked before is told to anybody who asks now. */
  clear(): void;
}

export function createNames({ find, lookups, namesMax }: NamesDeps): Names {
  let known: BoundedMap<Promise<string | null>> = createBoundedMap({ entriesMax: namesMax });
  const asked = new Map<string, Promise<string | null>>();
  /** Under which everything that is known was found. */
  let names = 0n;

  const clear = () => {
    known = createBoundedMap({ entriesMax: namesMax });
    asked.clear();
    names = 0n;
  };

  const ask = async (text: string, selector: TenantSelector, self: () => Promise<string | null>) => {
    try {
      const found = await find(selector);
      const isAsked = asked.get(text) === self();
      // News of the change are on their way. Whoever is told of it here must not be told afterwards what was before it.
      if (isAsked && found.names > names) clear();
      if (isAsked && found.names >= names) {
        names = found.names;
        known.set(text, Promise.resolve(found.id));
      }
      return found.id;
    } finally {
      if (asked.get(text) === self()) asked.delete(text);
    }
  };

  return {
    async find(selector) {
      if (selector.kind === "id" && !isTenantId(selector.id)) return null;
      const text = selectorText(selector);
      const remembered = known.get(text) ?? asked.get(text);
      if (remembered !== undefined) return remembered;
      lookups.require();
      lookups.charge();
      const answer: Promise<string | null> = ask(text, selector, () => answer);
      asked.set(text, answer);
      return answer;
    },
    clear,
  };
}

/** One text per selector; the lengths make it so. Of a path only what can be registered counts. */
function selectorText(selector: TenantSelector): string {
  switch (selector.kind) {
    case "id":
      return `id:${selector.id}`;
    case "host":
      return `host:${selector.host.length}:${selector.host}${pathPrefixes(normalisePath(selector.path))[0]}`;
    case "issuer":
      return `issuer:${selector.issuer.length}:${selector.issuer}${selector.subject}`;
  }
}
