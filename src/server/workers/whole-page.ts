import type { Clock } from "../../clock.ts";
import { addUp, countsOf, type Metrics, pageOf, type Snapshot } from "../../telemetry/metrics.ts";
import { TELLING_MS_MAX } from "../limits.ts";

/** A process whose figures are on the page. */
export interface Member {
  /** What it counts now. Null when the signal is aborted before it has said so, or it has ended. */
  snapshot(late: AbortSignal): Promise<Snapshot | null>;
}

/** The page of all processes of a server, whichever of them is asked for it. */
export interface WholePage {
  /** Returns how to leave; what it has told of what it counted stays. */
  join(member: Member): () => void;
  /**
   * What all have counted when they were asked, or a little later. One that does not answer in time stands there with
   * what it had counted when it told last; what it is like now nobody knows, so it has no gauges. What a page has said of a counter no later page takes back.
   */
  page(): Promise<string>;
}

export interface WholePageDeps {
  /** Of the process that puts it together. */
  readonly own: Pick<Metrics, "snapshot">;
  readonly clock: Clock;
}

export function createWholePage({ own, clock }: WholePageDeps): WholePage {
  /** What each has told last. */
  const members = new Map<Member, Snapshot>();
  /** Of those that have left; the first is the sum of earlier ones. */
  let departed: readonly Snapshot[] = [];

  const ask = async (late: AbortSignal) => {
    const answers = [...members].map(async ([member, told]) => {
      const snapshot = await member.snapshot(late);
      if (members.has(member)) members.set(member, snapshot ?? countsOf(told));
    });
    await Promise.all(answers);
  };

  const collect = async (): Promise<string> => {
    const answered = new AbortController();
    const late = new AbortController();
    const waiting = clock.sleep(TELLING_MS_MAX, answered.signal).then(
      () => late.abort(),
      () => undefined,
    );
    await ask(late.signal);
    answered.abort();
    await waiting;
    const mine = await own.snapshot();
    const parts = departed;
    const sum = await addUp(parts);
    departed = [sum, ...departed.slice(parts.length)];
    return pageOf([mine, ...departed, ...members.values()]);
  };

  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<string> | null = null;

  return {
    join(member) {
      members.set(member, []);
      return () => {
        const told = members.get(member);
        if (!members.delete(member) || told === undefined) return;
        departed = [...departed, countsOf(told)];
      };
    },
    /** Those who ask while one is put together share the one after it: however many ask, two are under way at most. */
    page() {
      next ??= underWay.then(() => {
        next = null;
        const page = collect();
        underWay = page.catch(() => undefined);
        return page;
      });
      return next;
    },
  };
}
