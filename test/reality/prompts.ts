/** Beginnings that a model which was not taught to chat can go on from: prose in three languages, code, a list. */
export const PROMPTS: Readonly<Record<string, string>> = {
  english: 'The history of the bicycle begins in the early nineteenth century, when',
  german: 'Wien ist die Hauptstadt von Österreich. Die Stadt liegt an der',
  japanese: '富士山は日本で一番高い山で、',
  code: 'def is_prime(n):\n    """Return True if n is a prime number."""\n',
  list: 'The planets of the solar system, in order from the Sun:\n1. Mercury\n2. Venus\n3.',
}
