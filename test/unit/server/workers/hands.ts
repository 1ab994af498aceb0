import { type Addresses, createSupervisor, type WorkerEnd } from "../../../../src/server/workers/supervisor.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

export const ADDRESSES: Addresses = {
  grpcAddress: { host: "127.0.0.1", port: 7400 },
  httpAddress: { host: "127.0.0.1", port: 7401 },
};
export const CRASH: WorkerEnd = { code: null, signal: "SIGKILL", reason: null, clean: null };
export const CLEAN: WorkerEnd = { code: 0, signal: null, reason: null, clean: true };
export const refusal = (reason: string): WorkerEnd => ({ code: 1, signal: null, reason, clean: null });

/** A process of which the test decides what becomes of it. */
export interface Hand {
  readonly number: number;
  readonly asked: () => number;
  readonly killed: () => number;
  /** How often it was asked for a sign of life. */
  readonly looks: () => number;
  /** It answers no such question from now on. */
  fallSilent(): void;
  serve(addresses?: Addresses): Promise<void>;
  end(end: WorkerEnd): Promise<void>;
}

/** A supervisor of processes that are in the hands of the test. */
export function setUp(count: number) {
  const clock = createManualClock();
  const { advance } = clock;
  const hands: Hand[] = [];
  const ends: Readonly<Record<string, unknown>>[] = [];
  const errors: Readonly<Record<string, unknown>>[] = [];
  const news = { broken: 0 };
  const supervisor = createSupervisor({
    ...{ count, clock, onEnd: () => undefined },
    log: {
      info: () => undefined,
      warn: (fields) => void ends.push(fields),
      error: (fields, message) => void errors.push({ ...fields, message }),
    },
    start(number) {
      const serving = Promise.withResolvers<Addresses>();
      const ended = Promise.withResolvers<WorkerEnd>();
      let asked = 0;
      let killed = 0;
      let looks = 0;
      let isSilent = false;
      hands.push({
        ...{ number, asked: () => asked, killed: () => killed, looks: () => looks },
        fallSilent() {
          isSilent = true;
        },
        serve(addresses = ADDRESSES) {
          serving.resolve(addresses);
          return settled();
        },
        end(end) {
          ended.resolve(end);
          return settled();
        },
      });
      return {
        ...{ pid: 1000 + hands.length, serving: serving.promise, ended: ended.promise },
        stop: () => void asked++,
        kill() {
          killed++;
          ended.resolve(CRASH);
        },
        async showLife() {
          looks++;
          if (isSilent) await new Promise(() => undefined);
        },
      };
    },
  });
  void supervisor.broken.then(() => news.broken++);
  const last = () => hands.at(-1) as Hand;
  /** All that are to serve do, in their order. */
  const serveAll = async () => {
    for (let i = 0; i < count; i++) await hands[i]?.serve();
    return supervisor.serving;
  };
  return { supervisor, hands, ends, errors, news, last, serveAll, advance };
}
