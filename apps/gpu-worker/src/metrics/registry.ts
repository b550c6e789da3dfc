/** Label names and values of one time series. */
export type Labels = Readonly<Record<string, string>>

/** Something that can be written in Prometheus' text format. */
interface Metric {
  lines(): string[]
}

/** A number that only grows. */
export interface Counter {
  add(amount?: number, labels?: Labels): void
  /** The sum over all labels. */
  total(): number
}

/** The distribution of a duration. */
export interface Histogram {
  observe(seconds: number): void
}

/**
 * The metrics of one process.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4
 */
export class MetricRegistry {
  readonly #metrics: Metric[] = []
  readonly #common: Labels

  /** @param common - labels of every time series */
  constructor(common: Labels) {
    this.#common = common
  }

  counter(name: string, help: string): Counter {
    const series = new Map<string, number>()
    this.#metrics.push({
      lines: () => [
        ...head(name, help, 'counter'),
        ...[...series].map(([labels, value]) => `${name}${labels} ${value}`),
      ],
    })
    series.set(this.#labels({}), 0)
    return {
      add: (amount = 1, labels = {}) => {
        const key = this.#labels(labels)
        series.set(key, (series.get(key) ?? 0) + amount)
      },
      total: () => [...series.values()].reduce((sum, value) => sum + value, 0),
    }
  }

  /** @param read - called whenever the metrics are asked for */
  gauge(name: string, help: string, read: () => number): void {
    this.#metrics.push({ lines: () => [...head(name, help, 'gauge'), `${name}${this.#labels({})} ${read()}`] })
  }

  /** @param bounds - upper bounds of the buckets, rising, seconds */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const counts = bounds.map(() => 0)
    let count = 0
    let sum = 0
    const bucket = (le: string, value: number) => `${name}_bucket${this.#labels({ le })} ${value}`
    this.#metrics.push({
      lines: () => [
        ...head(name, help, 'histogram'),
        ...bounds.map((bound, index) => bucket(String(bound), counts[index] ?? 0)),
        bucket('+Inf', count),
        `${name}_sum${this.#labels({})} ${sum}`,
        `${name}_count${this.#labels({})} ${count}`,
      ],
    })
    return {
      observe: (seconds) => {
        bounds.forEach((bound, index) => {
          if (seconds <= bound) counts[index] = (counts[index] ?? 0) + 1 // buckets are cumulative
        })
        count++
        sum += seconds
      },
    }
  }

  /** All metrics in the text format. */
  render(): string {
    return `${this.#metrics.flatMap((metric) => metric.lines()).join('\n')}\n`
  }

  #labels(own: Labels): string {
    const pairs = Object.entries({ ...this.#common, ...own }).map(([name, value]) => `${name}="${escapeValue(value)}"`)
    return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  }
}

function head(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
