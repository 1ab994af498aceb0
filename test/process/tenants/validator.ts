import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How a question ends: with a status, with a body and 200, with a connection that breaks, or not at all. */
export type Answer = number | { readonly body: string } | "hang-up" | "silence";

/** Asked by one server, and held. It gives up after 3 s. */
export interface Question {
  answer(how: Answer): void;
}

/** Whom tenants name as their validator: every path is another one, and what each says is the test's to decide. */
export interface Validator extends AsyncDisposable {
  readonly port: number;
  url(path: string): string;
  /** From now on the path is answered like this; null: it is held. At first it is held. */
  set(path: string, answer: Answer | null): void;
  /** The next question that is held, when it has come. */
  asked(path: string): Promise<Question>;
  /** How often it was asked. */
  count(path: string): number;
  /** Nobody listens any more, until `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
}

interface Line {
  answer: Answer | null;
  count: number;
  readonly questions: Question[];
  readonly takers: ((question: Question) => void)[];
}

export async function startValidator(): Promise<Validator> {
  const lines = new Map<string, Line>();
  const lineOf = (path: string): Line => {
    const line = lines.get(path) ?? { answer: null, count: 0, questions: [], takers: [] };
    lines.set(path, line);
    return line;
  };
  const server = createServer((request, response) => {
    const line = lineOf(String(request.url).slice(1));
    line.count++;
    if (line.answer !== null) return end(response, line.answer);
    const question: Question = { answer: (how) => end(response, how) };
    const taker = line.takers.shift();
    if (taker === undefined) line.questions.push(question);
    else taker(question);
  });
  const listenOn = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  await listenOn(0);
  const { port } = server.address() as AddressInfo;
  const refuse = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return {
    port,
    url: (path) => `http://127.0.0.1:${port}/${path}`,
    set(path, answer) {
      lineOf(path).answer = answer;
    },
    asked(path) {
      const line = lineOf(path);
      const question = line.questions.shift();
      return question === undefined ? new Promise((resolve) => line.takers.push(resolve)) : Promise.resolve(question);
    },
    count: (path) => lineOf(path).count,
    refuse,
    listen: () => listenOn(port),
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await refuse();
    },
  };
}

function end(response: ServerResponse, how: Answer): void {
  if (how === "hang-up") response.destroy();
  else if (typeof how === "number") response.writeHead(how).end();
  else if (how !== "silence") response.end(how.body);
}
