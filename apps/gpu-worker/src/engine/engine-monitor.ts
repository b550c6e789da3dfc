/** What one step of an engine did. */
interface StepFacts {
  /** Sequences that answered in its batch. */
  readonly sequences: number
  /** Tokens of answers that it made: more than sequences where a guess was right. */
  readonly decoded: number
  /** Tokens of prompts that went through the model. */
  readonly prefilled: number
  readonly elapsedMs: number
}

/** Watches an engine, for metrics. */
export interface EngineMonitor {
  /** A step ended. */
  step(step: StepFacts): void
  /** Time between two tokens of one answer. */
  tokenGap(elapsedMs: number): void
  /** A sequence had to give its slot to a more important one. */
  preempted(): void
}
