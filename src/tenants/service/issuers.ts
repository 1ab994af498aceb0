import type { TenantSelector } from "../../domain/tenant.ts";
import type { FoundName } from "../table.ts";
import { type BoundedMap, createBoundedMap } from "../validators/bounded-map.ts";
import type { Edition, Editions } from "./editions.ts";
import type { TenantServiceLimits } from "./limits.ts";
import { type Lookups, tooMany } from "./lookups.ts";
import { createQuestions } from "./questions.ts";

export type IssuerSelector = Extract<TenantSelector, { readonly kind: "issuer" }>;

export interface IssuersDeps {
  readonly find: (selector: IssuerSelector) => Promise<FoundName>;
  readonly editions: Editions;
  readonly lookups: Lookups;
  readonly limits: Pick<TenantServiceLimits, "namesMax" | "readingMax">;
}

/**
 * Whose tokens somebody's are, for the authenticator. It asks before any signature was looked at, so that anybody can
 * make it ask for anything; and it tells nobody what it was told, so that what exists may cost less than what does not:
 *
 * - An issuer none of whose subjects is named by anybody is one name, whoever its subjects are.
 * - What somebody has registered costs nothing. What anybody can think up is paid for with each question: issuers that
 *   are nobody's, and subjects that an issuer's other rows do not name, whoever they fall to.
 * - What can be thought up makes room only for its like. So an issuer that was found once is asked for again, after any
 *   change of names, whatever else arrives; one that this server never saw has its part of the rate.
 */
export interface Issuers {
  /** Rejects with `Fault` OVERLOADED when too much was asked lately that is nobody's. */
  find(issuer: string, subject: string): Promise<string | null>;
}

interface Known {
  readonly id: string | null;
  /** Of an issuer: some of its subjects are named, and each has to be looked up. */
  readonly isDivided: boolean;
  readonly edition: Edition | null;
}

const RETRY_MS = 100;
/** No longer ones can be registered. */
const LENGTH_MAX = 255;

export function createIssuers({ find, editions, lookups, limits }: IssuersDeps): Issuers {
  const { namesMax, readingMax } = limits;
  const registered = createBoundedMap<Known>({ entriesMax: namesMax });
  const conceivable = createBoundedMap<Known>({ entriesMax: namesMax });

  const lately = (text: string) => registered.get(text) ?? conceivable.get(text);
  const remember = (text: string, found: Known, isRegistered: boolean) => {
    if (found.edition === null && lately(text) !== undefined) return;
    const [place, other]: BoundedMap<Known>[] = isRegistered ? [registered, conceivable] : [conceivable, registered];
    other?.delete(text);
    place?.set(text, found);
  };

  const questions = createQuestions<IssuerSelector>({
    ...{ find, editions },
    onFound(selector, { id, subjects }, edition) {
      const isRegistered = id !== null && subjects !== "unnamed";
      if (!isRegistered) lookups.charge();
      const isDivided = subjects !== "all";
      remember(issuerText(selector), { id, isDivided, edition }, isDivided || isRegistered);
      if (isDivided) remember(subjectText(selector), { id, isDivided, edition }, isRegistered);
    },
  });

  const ask = async (text: string, selector: IssuerSelector): Promise<Pick<FoundName, "id" | "subjects">> => {
    const remembered = lately(text);
    if ((remembered?.id ?? null) === null && !questions.isAsked(text)) {
      lookups.require();
      // What is nobody's is known, and paid for, only afterwards.
      if (questions.size >= readingMax) throw tooMany(RETRY_MS);
    }
    return questions.ask(text, selector);
  };

  const findSubject = async (selector: IssuerSelector): Promise<string | null> => {
    const text = subjectText(selector);
    const remembered = lately(text);
    if (remembered?.edition === editions.current) return remembered.id;
    return (await ask(text, selector)).id;
  };

  return {
    async find(issuer, subject) {
      if (issuer.length > LENGTH_MAX) return null;
      // One that nobody can have named falls to whoever has all the others.
      const selector: IssuerSelector = { kind: "issuer", issuer, subject: subject.length > LENGTH_MAX ? "" : subject };
      const remembered = lately(issuerText(selector));
      if (remembered?.isDivided) return findSubject(selector);
      if (remembered?.edition === editions.current) return remembered.id;
      // One asks for all subjects, until it turns out that they differ.
      const { id, subjects } = await ask(issuerText(selector), selector);
      return subjects === "all" ? id : findSubject(selector);
    },
  };
}

function issuerText({ issuer }: IssuerSelector): string {
  return `issuer:${issuer}`;
}

/** One text per issuer and subject; the length makes it so. */
function subjectText({ issuer, subject }: IssuerSelector): string {
  return `subject:${issuer.length}:${issuer}${subject}`;
}
