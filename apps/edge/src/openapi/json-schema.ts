/** A JSON schema of 2020-12, as OpenAPI 3.1 has them. */
export type JsonSchema = { readonly [keyword: string]: unknown }
