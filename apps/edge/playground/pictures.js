/**
 * The pictures on the table.
 *
 * @typedef {{ id: number, name: string, preview: string, file: Blob }} Picture
 */

const MAX_BYTES = 8 * 1024 * 1024
const MAX_PICTURES = 8
const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif']

/**
 * Keeps the pictures and shows them in a list.
 *
 * @param {HTMLElement} list
 * @param {{ onChange: (count: number) => void, onRefuse: (reason: string) => void }} handlers
 */
export function createTable(list, { onChange, onRefuse }) {
  /** @type {Picture[]} */
  let pictures = []
  let lastId = 0

  /** @param {Picture[]} next */
  function change(next) {
    pictures = next
    list.replaceChildren(...pictures.map(listItem))
    onChange(pictures.length)
  }

  /** @param {Picture} picture */
  function listItem(picture) {
    const item = document.createElement('li')
    item.className = 'picture'
    const image = document.createElement('img')
    image.src = picture.preview
    image.alt = picture.name
    const remove = document.createElement('button')
    remove.type = 'button'
    remove.textContent = '×'
    remove.ariaLabel = `Remove ${picture.name}`
    // The preview stays: an answer may still show it.
    remove.addEventListener('click', () => change(pictures.filter(({ id }) => id !== picture.id)))
    item.append(image, remove)
    return item
  }

  return {
    /** @returns {readonly Picture[]} */
    all: () => pictures,

    /** @param {Iterable<File>} files */
    add(files) {
      const added = [...files].filter((file) => {
        const reason = refusal(file)
        if (reason) onRefuse(reason)
        return !reason
      })
      const named = added.map((file) => {
        lastId++
        return { id: lastId, name: file.name || 'Pasted picture', preview: URL.createObjectURL(file), file }
      })
      const next = [...pictures, ...named]
      if (next.length > MAX_PICTURES) onRefuse(`At most ${MAX_PICTURES} pictures can be asked about at once.`)
      if (named.length > 0) change(next.slice(0, MAX_PICTURES))
    },
  }
}

/**
 * The bytes of a picture, as the API takes them.
 *
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export function toDataUri(file) {
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
