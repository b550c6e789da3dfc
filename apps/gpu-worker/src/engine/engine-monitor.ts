/** Watches an engine, for metrics. */
export interface EngineMonitor {
  /** A step ended: sequences that got a token in its batch, tokens of prompts that went through the model, its time. */
  step(step: { readonly decoded: number; readonly prefilled: number; readonly elapsedMs: number }): void
  /** Time between two tokens of one answer. */
  tokenGap(elapsedMs: number): void
  /** A sequence had to give its slot to a more important one. */
  preempted(): void
}
