import type { Clock } from "../client/clock.ts";
import { follow } from "../client/runtime.ts";

/** What has timers and calls under way, and loses both at once: a server from its start to its end, or a client. */
export interface TestProcess {
  readonly clock: Clock;
  /** Aborted when it is killed. */
  readonly killed: AbortSignal;
  /** Nothing of it happens any more. */
  kill(): void;
  /** Settles as the promise does; never, once it is killed: nobody is there to be told. */
  whileAlive<T>(promise: Promise<T>): Promise<T>;
}

const KILLED = new Error("the process was killed");

export function createProcess(time: Clock): TestProcess {
  const killing = new AbortController();
  const killed = killing.signal;
  const armed = new Set<() => void>();

  const whileAlive = <T>(promise: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      promise.then(
        (value) => {
          if (!killed.aborted) resolve(value);
        },
        (error) => {
          if (!killed.aborted) reject(error);
        },
      );
    });

  return {
    clock: {
      monotonicMs: time.monotonicMs,
      sleep(ms, signal) {
        const over = new AbortController();
        const unfollow = follow(over, [signal, killed]);
        return whileAlive(time.sleep(ms, over.signal).finally(unfollow));
      },
      after(ms, callback) {
        if (killed.aborted) return () => undefined;
        const cancel = time.after(ms, () => {
          armed.delete(cancel);
          callback();
        });
        armed.add(cancel);
        return () => {
          armed.delete(cancel);
          cancel();
        };
      },
    },
    killed,
    kill() {
      killing.abort(KILLED);
      for (const cancel of armed) cancel();
      armed.clear();
    },
    whileAlive,
  };
}
