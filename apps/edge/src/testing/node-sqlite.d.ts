/** The part of Node's own module that tests use in place of a Durable Object's database. */
declare module 'node:sqlite' {
  export class DatabaseSync {
    constructor(path: string)
    exec(statements: string): void
    prepare(query: string): { all(...bindings: (string | number | null)[]): unknown[] }
  }
}
