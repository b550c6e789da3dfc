import { button, make } from './elements.js'

/**
 * The pictures of the question that is being written.
 *
 * @typedef {{ id: number, name: string, preview: string, file: Blob }} Picture
 */

const MAX_BYTES = 8 * 1024 * 1024
const MAX_PICTURES = 8
const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']

let lastId = 0

/**
 * A file as the page holds it.
 *
 * @param {string} name
 * @param {Blob} file
 * @returns {Picture}
 */
export function pictureOf(name, file) {
  lastId++
  return { id: lastId, name, preview: URL.createObjectURL(file), file }
}

/**
 * Keeps the pictures and shows them in a list.
 *
 * @param {HTMLElement} list
 * @param {{ onChange: () => void, onRefuse: (reason: string) => void, onLook: (picture: Picture) => void }} handlers
 */
export function createTray(list, { onChange, onRefuse, onLook }) {
  /** @type {readonly Picture[]} */
  let pictures = []

  /** @param {readonly Picture[]} next */
  function change(next) {
    pictures = next
    list.replaceChildren(...pictures.map(listItem))
    onChange()
  }

  /**
   * @param {number} from
   * @param {number} step
   */
  function move(from, step) {
    const others = pictures.toSpliced(from, 1)
    const moved = pictures.slice(from, from + 1)
    change(others.toSpliced(from + step, 0, ...moved))
    // Focus goes with the picture, to the same button or, at the end, to the other one.
    const buttons = [...(list.children[from + step]?.querySelectorAll('.move') ?? [])]
    const [same, other] = step < 0 ? buttons : buttons.toReversed()
    for (const target of [other, same]) if (target instanceof HTMLButtonElement && !target.disabled) target.focus()
  }

  /**
   * @param {Picture} picture
   * @param {number} index
   */
  function listItem(picture, index) {
    const { name } = picture
    const image = make('img', '')
    image.src = picture.preview
    image.alt = name
    const look = button('', () => onLook(picture), `What the model sees of ${name}`)
    look.className = 'look'
    look.append(image)
    const earlier = button('←', () => move(index, -1), `Move ${name} to the front`)
    const later = button('→', () => move(index, 1), `Move ${name} to the back`)
    earlier.className = later.className = 'move'
    earlier.disabled = index === 0
    later.disabled = index === pictures.length - 1
    const remove = button('×', () => change(pictures.filter(({ id }) => id !== picture.id)), `Remove ${name}`)
    remove.className = 'remove'
    const order = pictures.length > 1 ? [earlier, later] : []
    return make('li', 'picture', look, make('span', 'picture-tools', ...order, remove))
  }

  return {
    all: () => pictures,

    /** @param {readonly Picture[]} next */
    replace: (next) => change(next),

    /** @param {Iterable<File>} files */
    add(files) {
      const added = [...files].filter((file) => {
        const reason = refusal(file)
        if (reason) onRefuse(reason)
        return !reason
      })
      const next = [...pictures, ...added.map((file) => pictureOf(file.name || 'Pasted picture', file))]
      if (added.length > 0) change(next.slice(0, MAX_PICTURES))
      if (next.length > MAX_PICTURES) onRefuse(`At most ${MAX_PICTURES} pictures can be asked about at once.`)
    },
  }
}

/** @type {WeakMap<Blob, Promise<string>>} */
const uris = new WeakMap()

/**
 * The bytes of a picture, as the API takes them.
 *
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export function toDataUri(file) {
  const known = uris.get(file) ?? readUri(file)
  uris.set(file, known)
  return known
}

/**
 * @param {Blob} file
 * @returns {Promise<string>}
 */
function readUri(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(String(reader.result)))
    reader.addEventListener('error', () => reject(new Error('This picture can no longer be read.')))
    reader.readAsDataURL(file)
  })
}

/** @param {File} file */
function refusal({ name, type, size }) {
  const what = name || 'This'
  if (!TYPES.includes(type)) return `${what} is not a JPEG, PNG, WebP, GIF or AVIF picture.`
  if (size > MAX_BYTES) return `${what} is larger than 8 MB.`
  return ''
}
