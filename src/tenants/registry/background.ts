/** Work that nobody waits for: a few at once, the others in the order in which they came. */
export class Background {
  readonly #placesMax: number;
  readonly #waiting = new Set<Job>();
  #running = 0;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
  }

  /** `run` must not throw; its place is free again when what it returns has settled. */
  add(run: () => Promise<unknown>): Job {
    const job: Job = {
      start: () => {
        if (this.#waiting.delete(job)) this.#run(run);
      },
      cancel: () => {
        this.#waiting.delete(job);
      },
    };
    this.#waiting.add(job);
    this.#fill();
    return job;
  }

  #fill(): void {
    for (const job of this.#waiting) {
      if (this.#running >= this.#placesMax) return;
      job.start();
    }
  }

  #run(run: () => Promise<unknown>): void {
    this.#running++;
    void run().finally(() => {
      this.#running--;
      this.#fill();
    });
  }
}

export interface Job {
  /** At once, free place or not: somebody has begun to wait. */
  start(): void;
  /** Does nothing to what runs already. */
  cancel(): void;
}
