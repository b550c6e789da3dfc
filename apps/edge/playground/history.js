/**
 * Chats, kept in this browser and nowhere else.
 *
 * @typedef {{ name: string, file: Blob }} KeptPicture
 * @typedef {{ question: string, pictures: readonly KeptPicture[], answer: string, isJson: boolean, facts: string[] }} Turn
 * @typedef {{ id: string, changedMs: number, turns: readonly Turn[] }} Chat
 */

const STORE = 'chats'
/** Older ones go. */
const MOST_CHATS = 50

/** @returns {Promise<IDBDatabase>} */
function open() {
  const opening = indexedDB.open('loupe', 1)
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(STORE, { keyPath: 'id' }))
  return settled(opening)
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('the browser keeps nothing')))
  })
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 */
async function inStore(mode, work) {
  const database = await open()
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)))
  } finally {
    database.close()
  }
}

/** @returns {Promise<Chat[]>} the newest first */
export async function allChats() {
  /** @type {Chat[]} */
  const chats = await inStore('readonly', (store) => store.getAll())
  return chats.toSorted((a, b) => b.changedMs - a.changedMs)
}

/** @param {Chat} chat */
export async function keepChat(chat) {
  await inStore('readwrite', (store) => store.put(chat))
  for (const { id } of (await allChats()).slice(MOST_CHATS)) await inStore('readwrite', (store) => store.delete(id))
}

export async function clearChats() {
  await inStore('readwrite', (store) => store.clear())
}
