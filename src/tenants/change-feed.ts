/** One change in the audit log. */
export interface RegistryChange {
  /** Its number. A tenant of a greater generation is what came of a later change. */
  readonly sequence: bigint;
  readonly kind: "tenant" | "api-key";
  /** The id of what was changed. */
  readonly subject: string;
  /**
   * Of tenants: register, update, unregister (also takes the tenant's API keys away), drain, resume, health. Others can
   * come: what is not known may have changed anything about the subject.
   */
  readonly action: string;
  /** Whose; null: of no single tenant. */
  readonly tenant: string | null;
  /** A tenant was registered, or changed, to be built when a server starts. */
  readonly isEager: boolean;
  /** False: no id, host or issuer is another one's for it. */
  readonly changesNames: boolean;
}

/** Neither may throw; both return at once. */
export interface ChangeSubscriber {
  /** In the order of the commits. What is read from the database during the call, or later, has it. */
  onChange(change: RegistryChange): void;
  /** Anything may have changed: at the start, after more changes than are told one by one, after a restore. */
  onLost(): void;
}

/**
 * Carries every change of tenants and API keys, whichever server made it, to this one: within a second while
 * notifications arrive, and within five while only the polls do. While the database is away nothing is told, and
 * afterwards everything is.
 *
 * Whoever remembers what the database said subscribes first. An answer is out of date when its question was asked before
 * the change was told.
 */
export interface ChangeFeed extends AsyncDisposable {
  /** Returns what ends it. */
  subscribe(subscriber: ChangeSubscriber): () => void;
  /** Resolves after the first `onLost`: from then on every change is told. */
  readonly started: Promise<void>;
  status(): ChangeFeedStatus;
}

export interface ChangeFeedStatus {
  /** False: changes are seen by polling. */
  readonly isListening: boolean;
  /** The last look at the audit log succeeded. */
  readonly isReading: boolean;
}
