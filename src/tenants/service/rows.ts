import type { StoredTenant } from "../table.ts";

export interface RowsDeps {
  readonly read: (id: string) => Promise<StoredTenant | null>;
  /** Called with what holds; `isWanted`: by somebody who needs the tenant, whether or not it is known here. */
  readonly apply: (id: string, row: StoredTenant | null, isWanted: boolean) => void;
}

/**
 * Rows on their way from the table to the registry: one read for each tenant at a time, whoever asks, and none is
 * applied whose question was asked before a change was told.
 */
export interface Rows {
  read(id: string, isWanted: boolean): Promise<StoredTenant | null>;
  /** The row has changed: what is being read of it is read again. */
  expire(id: string): void;
  expireAll(): void;
  isReading(id: string): boolean;
  readonly size: number;
}

interface Reading {
  isStale: boolean;
  isWanted: boolean;
  readonly answer: Promise<StoredTenant | null>;
}

export function createRows({ read, apply }: RowsDeps): Rows {
  const readings = new Map<string, Reading>();

  /** Applying and leaving the map are one step: a change that is told later finds the row applied, or begins anew. */
  const run = async (id: string, reading: Omit<Reading, "answer">): Promise<StoredTenant | null> => {
    try {
      for (;;) {
        reading.isStale = false;
        const row = await read(id);
        if (reading.isStale) continue;
        apply(id, row, reading.isWanted);
        return row;
      }
    } finally {
      readings.delete(id);
    }
  };

  return {
    read(id, isWanted) {
      const underWay = readings.get(id);
      if (underWay !== undefined) {
        underWay.isWanted ||= isWanted;
        return underWay.answer;
      }
      const reading = { isStale: false, isWanted };
      const whole: Reading = Object.assign(reading, { answer: Promise.resolve().then(() => run(id, reading)) });
      readings.set(id, whole);
      return whole.answer;
    },
    expire(id) {
      const reading = readings.get(id);
      if (reading !== undefined) reading.isStale = true;
    },
    expireAll() {
      for (const reading of readings.values()) reading.isStale = true;
    },
    isReading: (id) => readings.has(id),
    get size() {
      return readings.size;
    },
  };
}
