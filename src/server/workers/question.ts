/** Something that another process is asked for again and again. */
export interface Question<T> {
  /** Resolves to null when the other has ended, or the signal is aborted, before the answer has come. */
  ask(late?: AbortSignal): Promise<T | null>;
  answer(value: T): void;
  /** There is nobody to answer any more. */
  end(): void;
}

/**
 * Asks one at a time: while there is no answer, another question would only lie in the channel of a process that reads
 * nothing, and each that is asked so for good would stay here with those who wait for it.
 *
 * @param send puts the question
 */
export function createQuestion<T>(send: () => void): Question<T> {
  const waiting = new Set<(value: T | null) => void>();
  let isOpen = false;
  let isOver = false;
  const tellAll = (value: T | null) => {
    for (const tell of [...waiting]) tell(value);
  };
  return {
    async ask(late) {
      if (isOver || late?.aborted) return null;
      const { promise, resolve } = Promise.withResolvers<T | null>();
      const leave = () => resolve(null);
      waiting.add(resolve);
      late?.addEventListener("abort", leave, { once: true });
      if (!isOpen) {
        isOpen = true;
        send();
      }
      try {
        return await promise;
      } finally {
        waiting.delete(resolve);
        late?.removeEventListener("abort", leave);
      }
    },
    answer(value) {
      isOpen = false;
      tellAll(value);
    },
    end() {
      isOver = true;
      tellAll(null);
    },
  };
}
