import type { WorkerClient } from '../worker/worker-client.ts'

/** What `flex` has. Lower runs first: requests of people, who wait for them. */
const BATCH_PRIORITY = 10

/** A worker whose answers wait for those of others. */
export function lateWorker(worker: WorkerClient): WorkerClient {
  return {
    ...worker,
    generate(model, request, signal) {
      const priority = Math.max(BATCH_PRIORITY, request.parameters.priority ?? 0)
      return worker.generate(model, { ...request, parameters: { ...request.parameters, priority } }, signal)
    },
  }
}
