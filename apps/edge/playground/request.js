/**
 * What is sent, made from what the page holds. Knows no DOM.
 *
 * @typedef {'model' | 'system' | 'temperature' | 'top_p' | 'top_k' | 'max_tokens' | 'seed' | 'detail' | 'schema'
 *   | 'price_in' | 'price_out'} SettingName
 * @typedef {Record<SettingName, string>} Settings - as they stand in the form; an empty one is left to the server
 * @typedef {{ question: string, pictures: readonly string[], answer?: string }} Exchange - pictures by address
 */

/** @type {readonly SettingName[]} */
const NUMBERS = ['temperature', 'top_p', 'top_k', 'max_tokens', 'seed']

/**
 * The body of a chat request, without the choice to stream.
 *
 * @param {Settings} settings
 * @param {readonly Exchange[]} exchanges - the last one is the question
 * @returns {Record<string, unknown>}
 * @throws Error for a JSON schema that is no JSON
 */
export function chatBody(settings, exchanges) {
  const { model, system, detail } = settings
  const first = system.trim() === '' ? [] : [{ role: 'system', content: system }]
  const numbers = NUMBERS.filter((name) => settings[name].trim() !== '').map((name) => [name, Number(settings[name])])
  return {
    model,
    messages: [...first, ...exchanges.flatMap((exchange) => messagesOf(exchange, detail))],
    ...Object.fromEntries(numbers),
    ...responseFormat(settings.schema),
  }
}

/**
 * @param {Exchange} exchange
 * @param {string} detail
 */
function messagesOf({ question, pictures, answer }, detail) {
  const more = detail === 'auto' ? {} : { detail }
  const images = pictures.map((url) => ({ type: 'image_url', image_url: { url, ...more } }))
  const content = images.length === 0 ? question : [...images, { type: 'text', text: question }]
  const asked = { role: 'user', content }
  return answer === undefined ? [asked] : [asked, { role: 'assistant', content: answer }]
}

/** @param {string} text */
function responseFormat(text) {
  if (text.trim() === '') return {}
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: read(text) } } }
}

/** @param {string} text */
function read(text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`The JSON schema cannot be read: ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * What tokens cost at the prices of the settings, per million.
 *
 * @param {Settings} settings
 * @param {{ input: number, output: number }} tokens
 * @returns {string} empty where no price is set
 */
export function cost({ price_in, price_out }, { input, output }) {
  if (price_in.trim() === '' && price_out.trim() === '') return ''
  const amount = (input * Number(price_in) + output * Number(price_out)) / 1e6
  return amount === 0 ? '0' : amount.toFixed(Math.min(9, Math.max(2, 2 - Math.floor(Math.log10(amount)))))
}
