import { mutantsOf } from '../mutant.ts'

const ENGINE = 'apps/gpu-worker/src/engine'
const TESTS = [
  `${ENGINE}/batch-engine.test.ts`,
  `${ENGINE}/batch-priority.test.ts`,
  `${ENGINE}/batch-shortcuts.test.ts`,
  `${ENGINE}/fair-queue.test.ts`,
  'test/property/engine.test.ts',
]

/** Who shares a step with whom, and who goes first. */
export const ENGINE_MUTANTS = [
  ...mutantsOf(`${ENGINE}/batch.ts`, TESTS, {
    'rows-of-others': [
      'Each sequence gets the logits of its own row.',
      ['logits: logits.subarray(row * width, (row + 1) * width) }', 'logits: logits.subarray(0, width) }'],
    ],
    'fault-spares-sharers': [
      'A fault of a step ends all who were part of it.',
      ['for (const { task } of choices) this.#options.fail(task, error)', 'this.#options.fail(choices[0].task, error)'],
    ],
    'long-prompt-goes-first': [
      'Prompts of one priority are computed by turns.',
      ['a.priority - b.priority || rank(a) - rank(b)', 'a.priority - b.priority'],
    ],
    'unimportant-prompt-first': [
      'The prompt of the more important is computed first.',
      ['a.priority - b.priority || rank(a) - rank(b)', 'rank(a) - rank(b)'],
    ],
    'steps-without-bound': [
      'A step computes no more of prompts than a chunk.',
      ['if (spent > 0 && spent + end - from > most) break', ''],
    ],
    'rejected-draft-kept': [
      'Of a draft only what was chosen anyway stays in the cache.',
      ['this.#attempt(choice, () => pool.truncate(slot, from + kept))', ''],
    ],
    'shared-step-given-up': [
      'A step that others share goes on when one of them leaves.',
      ['this.#flight?.choices.every(', 'this.#flight?.choices.some('],
    ],
  }),
  ...mutantsOf(`${ENGINE}/usher.ts`, TESTS, {
    'oldest-sent-away': [
      'Of equal sequences the newest gives its slot up.',
      ['a.task.serial > b.task.serial', 'a.task.serial < b.task.serial'],
    ],
    'parked-at-the-end': [
      'Who gave up a slot is the first of its priority to get one.',
      ['      this.#waiting.pushFront(worst)', '      this.#waiting.push(worst)'],
    ],
    'saved-without-bound': [
      'What is taken out of slots is no more than what all of them hold.',
      [
        'return saved.size < this.#seats.slots ? this.#seats.save(choice) : undefined',
        'return this.#seats.save(choice)',
      ],
    ],
  }),
  ...mutantsOf(`${ENGINE}/fair-queue.ts`, TESTS, {
    'tenant-keeps-its-turn': [
      'A tenant that had its turn is the last to have another.',
      [
        'this.#turns.set(item.tenant, ++this.#turn)\n  }\n\n  /** Takes out an item',
        '{ }\n  }\n\n  /** Takes out an item',
      ],
    ],
    'waiting-weighs-nothing': [
      'Ten seconds of waiting weigh as much as one class.',
      ['Math.floor((this.#now() - place.sinceMs) / PATIENCE_MS)', '0'],
    ],
  }),
  ...mutantsOf(`${ENGINE}/lookout.ts`, TESTS, {
    'looks-far-ahead': [
      'No more requests than there are slots wait with the features of their pictures.',
      ['if (item.prompt.hasPictures && ++seen >= ahead) return undefined', ''],
    ],
  }),
  ...mutantsOf(`${ENGINE}/chunk-end.ts`, [`${ENGINE}/chunk-end.test.ts`, 'test/property/engine.test.ts'], {
    'picture-cut': ['A picture is whole in one chunk.', ['while (end > from && isInside(end)) end--', '']],
  }),
]
