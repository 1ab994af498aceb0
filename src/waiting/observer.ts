/** What made a record be read again: a call on this server, a notification, or the time. */
export type WakePath = "local" | "notified" | "polled";

/** What waiting tells the metrics. Nothing here names a key or a tenant. Must not throw. */
export interface WaitingObserver {
  /** A record that is waited for could not be read or flagged; it is tried again. */
  failed(error: unknown): void;
  /** Waiters were told of an end, so long after it, by the database's clock. */
  woke(path: WakePath, ms: number): void;
  /** A waiting claim has acquired. */
  promoted(): void;
  /** The call of a promoted claim had gone, and its lease was given back. */
  gaveBack(): void;
  /** Wake ids that were sent to other servers, or dropped because they could not be. */
  notificationsSent(ids: number): void;
  notificationsDropped(ids: number, cause: unknown): void;
  /** Wake ids that came from any server, this one included. */
  notificationsReceived(ids: number): void;
  /** A probe went from the notifier to the listener in so long. */
  probed(ms: number): void;
}

export const silentWaitingObserver: WaitingObserver = {
  failed() {},
  woke() {},
  promoted() {},
  gaveBack() {},
  notificationsSent() {},
  notificationsDropped() {},
  notificationsReceived() {},
  probed() {},
};
