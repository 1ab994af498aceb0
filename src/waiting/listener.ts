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
