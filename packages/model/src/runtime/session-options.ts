import type { Device } from '../graph/runtime.ts'
import { environment, LOG_FATAL_ONLY } from './environment.ts'
import { call, get } from './ffi.ts'
import { Handle } from './handle.ts'
import { appendProvider } from './provider.ts'

/** What all sessions of a runtime have in common. */
export interface SessionSettings {
  readonly device: Device
  /** Settings of the device's execution provider, under ONNX Runtime's own names. */
  readonly deviceOptions: Readonly<Record<string, string>>
  /** Threads that one operator may use; 0: one for each physical core. */
  readonly threads: number
  /** Whether matrix weights are copied into the layout that the kernels like best; by default as each model asks. */
  readonly prepack?: boolean | undefined
  /** Whether the CPU takes what the device has no kernel for; true by default. */
  readonly cpuFallback?: boolean
}

/** What is said of one model. */
interface ModelOptions {
  readonly weightsFolder?: string | undefined
  readonly prepack?: boolean | undefined
}

const SEQUENTIAL = 0
const ALL_OPTIMISATIONS = 99
/** Where all cores are busy, a thread that waits for another gives its core up after this long. */
const SPIN_MICROSECONDS = '100'

/** @throws AppError `runtime.failed` when the device's execution provider is not available */
export function createSessionOptions(settings: SessionSettings, model: ModelOptions = {}): Handle {
  environment() // the providers log, and only an environment has a logger
  const handle = new Handle('session options', get('CreateSessionOptions'), 'ReleaseSessionOptions')
  const options = handle.pointer
  try {
    call('SetSessionLogSeverityLevel', options, LOG_FATAL_ONLY)
    call('SetSessionExecutionMode', options, SEQUENTIAL)
    call('SetInterOpNumThreads', options, 1)
    call('SetIntraOpNumThreads', options, settings.threads)
    call('SetSessionGraphOptimizationLevel', options, ALL_OPTIMISATIONS)
    // Plans memory for the shapes of the first run; ours differ in every run.
    call('DisableMemPattern', options)
    for (const [key, value] of Object.entries(configEntries(settings, model)))
      call('AddSessionConfigEntry', options, key, value)
    appendProvider(options, settings.device, settings.deviceOptions)
    return handle
  } catch (error) {
    handle[Symbol.dispose]()
    throw error
  }
}

function configEntries(settings: SessionSettings, { weightsFolder, prepack }: ModelOptions): Record<string, string> {
  const isPrepacked = settings.prepack ?? prepack ?? true
  return {
    // Between operators, and never between runs: waking a thread takes longer than most operators of a decoding step.
    'session.intra_op.allow_spinning': '1',
    'session.intra_op.spin_duration_us': SPIN_MICROSECONDS,
    'session.force_spinning_stop': '1',
    'session.disable_prepacking': isPrepacked ? '0' : '1',
    ...(settings.cpuFallback === false ? { 'session.disable_cpu_ep_fallback': '1' } : {}),
    ...(weightsFolder === undefined ? {} : { 'session.model_external_initializers_file_folder_path': weightsFolder }),
  }
}
