/** Label names and values of one time series. */
export type Labels = Readonly<Record<string, string>>

/** One metric in Prometheus' text format. */
interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A line for each of its time series. */
  lines(): string[]
}

/** A number that only grows. */
export interface Counter {
  add(amount?: number, labels?: Labels): void
}

/** The distribution of a number: of a duration, of a size. */
export interface Histogram {
  observe(value: number): void
}

/**
 * The metrics of one model.
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

  /** @param known - labels of the series that are there before anything was counted */
  counter(name: string, help: string, known: readonly Labels[] = [{}]): Counter {
    const series = new Map<string, number>()
    const plain = this.#labels({})
    this.#metrics.push({
      name,
      help,
      type: 'counter',
      lines: () => [...series].map(([labels, value]) => `${name}${labels} ${value}`),
    })
    for (const labels of known) series.set(this.#labels(labels), 0)
    return {
      add: (amount = 1, labels) => {
        const key = labels === undefined ? plain : this.#labels(labels) // counted for every token
        series.set(key, (series.get(key) ?? 0) + amount)
      },
    }
  }

  /** @param read - called whenever the metrics are asked for */
  gauge(name: string, help: string, read: () => number): void {
    this.#metrics.push({ name, help, type: 'gauge', lines: () => [`${name}${this.#labels({})} ${read()}`] })
  }

  /** @param bounds - upper bounds of the buckets, rising, in the unit of what is observed */
  histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    const counts = bounds.map(() => 0)
    let count = 0
    let sum = 0
    const bucket = (le: string, value: number) => `${name}_bucket${this.#labels({ le })} ${value}`
    this.#metrics.push({
      name,
      help,
      type: 'histogram',
      lines: () => [
        ...bounds.map((bound, index) => bucket(String(bound), counts[index] ?? 0)),
        bucket('+Inf', count),
        `${name}_sum${this.#labels({})} ${sum}`,
        `${name}_count${this.#labels({})} ${count}`,
      ],
    })
    return {
      observe: (value) => {
        bounds.forEach((bound, index) => {
          if (value <= bound) counts[index] = (counts[index] ?? 0) + 1 // buckets are cumulative
        })
        count++
        sum += value
      },
    }
  }

  get metrics(): readonly Metric[] {
    return this.#metrics
  }

  #labels(own: Labels): string {
    const pairs = Object.entries({ ...this.#common, ...own }).map(([name, value]) => `${name}="${escapeValue(value)}"`)
    return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  }
}

/** All metrics of some registries in the text format: what has one name stands together, under one head. */
export function renderMetrics(registries: readonly MetricRegistry[]): string {
  const byName = new Map<string, Metric[]>()
  for (const metric of registries.flatMap(({ metrics }) => metrics)) {
    byName.set(metric.name, [...(byName.get(metric.name) ?? []), metric])
  }
  const lines = [...byName.values()].flatMap((group) => {
    const head = group
      .slice(0, 1)
      .flatMap(({ name, help, type }) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`])
    return [...head, ...group.flatMap((metric) => metric.lines())]
  })
  return `${lines.join('\n')}\n`
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
