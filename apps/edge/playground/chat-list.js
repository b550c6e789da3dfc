import { button, byId, make } from './elements.js'
import { allChats, clearChats } from './history.js'

/**
 * The list of earlier chats.
 *
 * @param {{ current: () => string, open: (chat: import('./history.js').Chat) => void, onCleared: () => void }} handlers
 */
export function createChatList({ current, open, onCleared }) {
  const list = byId('chat-list', HTMLElement)
  const hint = byId('chats-hint', HTMLElement)
  const clear = byId('clear-chats', HTMLButtonElement)

  async function refresh() {
    const chats = await allChats().catch(() => undefined)
    if (chats === undefined) {
      hint.textContent = 'This browser does not let the page keep chats.'
      clear.hidden = true
      return
    }
    list.replaceChildren(...chats.map((chat) => make('li', '', entry(chat))))
    hint.textContent =
      chats.length === 0 ? 'No chats yet. They are kept in this browser only.' : 'Kept in this browser only.'
    clear.hidden = chats.length === 0
  }

  /** @param {import('./history.js').Chat} chat */
  function entry(chat) {
    const made = button(chat.turns[0]?.question ?? '', () => {
      open(chat)
      void refresh()
    })
    made.className = 'chat'
    if (chat.id === current()) made.ariaCurrent = 'true'
    const when = new Date(chat.changedMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })
    made.append(make('small', '', when))
    return made
  }

  clear.addEventListener('click', async () => {
    await clearChats()
    onCleared()
    await refresh()
  })

  return { refresh }
}
