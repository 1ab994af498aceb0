/** Hears, while it can, what any server tells of records, and keeps the hub informed of whether it can. */
export interface Listener extends AsyncDisposable {
  status(): ListenerStatus;
}

export interface ListenerStatus {
  /** Its connection is there. */
  readonly isConnected: boolean;
  /** Notifications arrive on it: the last probe did. */
  readonly isListening: boolean;
}

/** A notification of our own was overdue. */
export class NotHeard extends Error {
  override readonly name = "NotHeard";
  /** It was sent: the database is there, and what is between has lost it. */
  readonly wasSent: boolean;

  constructor(waitedMs: number, wasSent: boolean, cause?: unknown) {
    super(`a notification of our own did not arrive within ${waitedMs} ms`, cause === undefined ? {} : { cause });
    this.wasSent = wasSent;
  }
}
