/** The part of `fetch` that is used here, so that a test can stand in for the network. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>
