/** An error that no server answers. */
interface OwnError {
  readonly className: string;
  /** Undefined: it is that of the call below. */
  readonly reason?: string;
  readonly when: string;
}

/** A test holds them against the classes that the client exports. */
export const OWN_ERRORS: readonly OwnError[] = [
  { className: "TransportError", when: "no server could be reached, or something between has answered in its place" },
  {
    className: "TimeoutError",
    reason: "TIMEOUT",
    when: "`timeoutMs` or `waitMs` is over; `lastOutcome` says what was told last",
  },
  {
    className: "FailedError",
    reason: "FAILED",
    when: "the work has failed for good before: `status` is what it reported",
  },
  {
    className: "OutcomeUnknownError",
    reason: "OUTCOME_UNKNOWN",
    when: "nobody knows whether the work was done: `evidence`",
  },
  {
    className: "ExpiredError",
    reason: "EXPIRED",
    when: "the work has ended so long ago that its result is no longer kept",
  },
  {
    className: "ResultUnavailableError",
    reason: "RESULT_UNAVAILABLE",
    when: "the work is done, and there is no value: `why`",
  },
  {
    className: "LeaseLostError",
    reason: "LEASE_EXPIRED",
    when: "the lease is over or taken, or the reason of the server that says so: `why`",
  },
  { className: "CompleteFailedError", when: "the work is done, and its result not known to be stored: `value`" },
  {
    className: "AnswerIncompleteError",
    reason: "ANSWER_INCOMPLETE",
    when: "an answer without what every answer of its kind has",
  },
  { className: "TokenUnavailableError", reason: "TOKEN_UNAVAILABLE", when: "`token` has thrown, or returned no token" },
  { className: "CircuitOpenError", reason: "CIRCUIT_OPEN", when: "not sent: the breaker is open" },
  { className: "UnprotectedError", reason: "UNPROTECTED", when: "asked of an attempt that has no record" },
  { className: "ClosedError", reason: "CLOSED", when: "the client was closed" },
  { className: "AttemptEndedError", reason: "ATTEMPT_ENDED", when: "an attempt was used after its work had returned" },
  { className: "HookFailedError", reason: "HOOK_FAILED", when: "only in warnings: a hook has thrown" },
  {
    className: "InvalidInputError",
    reason: "INVALID_INPUT",
    when: "an input without canonical JSON; nothing was sent",
  },
  { className: "NotSerializableError", reason: "NOT_SERIALIZABLE", when: "a value that its serializer does not take" },
];
