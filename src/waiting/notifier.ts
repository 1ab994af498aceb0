import type { WakeId } from "./wake-id.ts";

/** Tells the other servers, and this one, that records have changed. */
export interface Notifier {
  /** Goes out with others, some milliseconds later. What cannot be sent is dropped: whoever waits reads again anyway. */
  notify(id: WakeId): void;
  /** Sends this payload at once; rejects when it could not be sent. */
  probe(payload: string): Promise<void>;
}
