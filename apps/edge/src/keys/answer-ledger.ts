/** What an answer may take at most, known before the worker is asked. */
export interface AnswerTokens {
  readonly promptTokens: number
  /** Longest answer, of all choices together. */
  readonly answerTokens: number
}

/** Tokens that are set aside for one answer until it is known what it took. */
export interface Reservation {
  /**
   * Ends the reservation: what was not used is free again. Only the first call counts.
   *
   * @param used - tokens that the answer took, its prompt among them; 0 when the worker did not admit it
   * @param isWhole - whether the answer came to its own end
   */
  settle(used: number, isWhole: boolean): void
}

/** What the answers of one request are charged to. */
export interface AnswerLedger {
  /** @throws AppError `rate.limited`, `quota.exceeded`, `auth.invalid` for a key that has ended, `ledger.unavailable` */
  reserve(tokens: AnswerTokens): Promise<Reservation>
}
