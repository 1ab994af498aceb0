import type { TenantSelector } from "../../domain/tenant.ts";
import { normalisePath, pathPrefixes } from "../paths.ts";
import type { FoundName } from "../table.ts";
import { createBoundedMap } from "../validators/bounded-map.ts";
import { isTenantId } from "./absent.ts";
import type { Edition, Editions } from "./editions.ts";
import type { Lookups } from "./lookups.ts";
import { createQuestions } from "./questions.ts";

export interface NamesDeps {
  readonly find: (selector: TenantSelector) => Promise<FoundName>;
  readonly editions: Editions;
  readonly lookups: Lookups;
  readonly namesMax: number;
}

/**
 * Whose name something is, for callers. What is nobody's is remembered as what is somebody's is, in one place and for as
 * long, and costs as much: neither the time of an answer nor what it takes from the rate tells the one from the other.
 */
export interface Names {
  /** Rejects with `Fault` OVERLOADED when too much was asked lately. What was told lately is told again for nothing. */
  find(selector: TenantSelector): Promise<string | null>;
}

interface Known {
  readonly id: string | null;
  /** Unless it is the current one the name is only known to have been asked for. */
  readonly edition: Edition | null;
}

export function createNames({ find, editions, lookups, namesMax }: NamesDeps): Names {
  const known = createBoundedMap<Known>({ entriesMax: namesMax });
  const questions = createQuestions<TenantSelector>({
    ...{ find, editions },
    onFound(selector, { id }, edition) {
      const text = textOf(selector);
      if (edition !== null || known.get(text) === undefined) known.set(text, { id, edition });
    },
  });

  return {
    async find(selector) {
      if (selector.kind === "id" && !isTenantId(selector.id)) return null;
      const text = textOf(selector);
      const remembered = known.get(text);
      if (remembered?.edition === editions.current) return remembered.id;
      if (remembered === undefined && !questions.isAsked(text)) {
        lookups.require();
        lookups.charge();
      }
      return (await questions.ask(text, selector)).id;
    },
  };
}

/** One text per selector; the lengths make it so. Of a path only what can be registered counts. */
function textOf(selector: TenantSelector): string {
  switch (selector.kind) {
    case "id":
      return `id:${selector.id}`;
    case "host":
      return `host:${selector.host.length}:${selector.host}${pathPrefixes(normalisePath(selector.path))[0]}`;
    case "issuer":
      return `issuer:${selector.issuer.length}:${selector.issuer}${selector.subject}`;
  }
}
