import type { TenantSelector } from "../../domain/tenant.ts";
import type { FoundName } from "../table.ts";
import type { Edition, Editions } from "./editions.ts";

export interface QuestionsDeps<Selector extends TenantSelector> {
  readonly find: (selector: Selector) => Promise<FoundName>;
  readonly editions: Editions;
  /** Called once with each answer, before anybody is told; the edition is null when it is out of date already. */
  readonly onFound: (selector: Selector, found: FoundName, edition: Edition | null) => void;
}

/** Questions to the table that are under way: one for all who ask the same at once. */
export interface Questions<Selector extends TenantSelector> {
  /** Selectors of one text are one question. */
  ask(text: string, selector: Selector): Promise<FoundName>;
  isAsked(text: string): boolean;
  readonly size: number;
}

interface Question {
  /** What was current when it was asked: the answer is not older, unless the database was set back. */
  readonly asked: Edition;
  readonly answer: Promise<FoundName>;
}

export function createQuestions<Selector extends TenantSelector>(deps: QuestionsDeps<Selector>): Questions<Selector> {
  const { find, editions, onFound } = deps;
  const underWay = new Map<string, Question>();

  const start = (text: string, selector: Selector): Question => {
    const asked = editions.current;
    const run = async (): Promise<FoundName> => {
      try {
        const found = await find(selector);
        onFound(selector, found, editions.take(asked, found.names));
        return found;
      } finally {
        if (underWay.get(text) === question) underWay.delete(text);
      }
    };
    const question: Question = { asked, answer: run() };
    underWay.set(text, question);
    return question;
  };

  return {
    async ask(text, selector) {
      for (;;) {
        const { news, names } = editions.current;
        const asked = underWay.get(text);
        // What was asked before news is told to those who asked it then, and to nobody else.
        const question = asked?.asked.news === news ? asked : start(text, selector);
        const found = await question.answer;
        // What was asked before the names rose may have been answered after it, or not: only then is it asked again.
        if (question.asked.names >= names || found.names >= names) return found;
      }
    },
    isAsked: (text) => underWay.has(text),
    get size() {
      return underWay.size;
    },
  };
}
