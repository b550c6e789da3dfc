import { byId } from './elements.js'

/** Panels, theme and shortcuts: what has nothing to do with an answer. */

const THEMES = ['auto', 'light', 'dark']

/** Opens and closes a panel, both beside each other where there is room. */
export function createPanels() {
  const isWide = matchMedia('(min-width: 1100px)')
  const panels = ['chats', 'settings'].map((id) => {
    return { panel: byId(id, HTMLElement), toggle: byId(`${id}-toggle`, HTMLButtonElement) }
  })
  /** @param {string} id @param {boolean} isOpen */
  function set(id, isOpen) {
    for (const { panel, toggle } of panels) {
      if (panel.id === id) panel.hidden = !isOpen
      else if (isOpen && !isWide.matches) panel.hidden = true
      toggle.ariaExpanded = String(!panel.hidden)
    }
  }
  for (const { panel, toggle } of panels) toggle.addEventListener('click', () => set(panel.id, panel.hidden === true))
  const arrange = () => {
    set('chats', false)
    set('settings', isWide.matches)
  }
  isWide.addEventListener('change', arrange)
  arrange()
  return { open: (/** @type {string} */ id) => set(id, true) }
}

/** The theme goes round: as the system has it, light, dark. */
export function createTheme() {
  const toggle = byId('theme', HTMLButtonElement)
  const root = document.documentElement
  const show = () => {
    toggle.textContent = `Theme: ${root.dataset['theme'] ?? 'auto'}`
  }
  toggle.addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(root.dataset['theme'] ?? 'auto') + 1) % THEMES.length] ?? 'auto'
    if (next === 'auto') delete root.dataset['theme']
    else root.dataset['theme'] = next
    localStorage.setItem('loupe.theme', next)
    show()
  })
  show()
}

/**
 * @param {Record<string, () => void>} acts - by key; those with Alt are written `alt+r`
 */
export function createShortcuts(acts) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || document.querySelector('dialog[open]')) return
    const isWriting = event.target instanceof Element && event.target.matches('input, textarea, select')
    if (isWriting && !event.altKey && event.key !== 'Escape') return
    // With Alt, some keyboards write another character.
    const key = event.altKey ? `alt+${event.code.replace('Key', '').toLowerCase()}` : event.key
    const act = acts[key]
    if (!act) return
    event.preventDefault()
    act()
  })
}
