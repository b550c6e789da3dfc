import type { z } from 'zod'
import { AppError } from '../errors/index.ts'

type Issue = z.core.$ZodIssue

/**
 * The first fault that a schema found, as an error that points at the part of the request.
 *
 * @returns `request.invalid` with the JSON path as `param`
 */
export function issueError(error: z.ZodError): AppError {
  const [first] = error.issues
  if (first === undefined) return new AppError('request.invalid')
  const { path, message } = meantFault(first)
  const param = formatPath(path)
  return param === ''
    ? new AppError('request.invalid', message)
    : new AppError('request.invalid', `${param}: ${message}`, { param })
}

/** A JSON path as OpenAI writes it: `messages[2].content[1].image_url`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text === '' ? String(key) : `${text}.${String(key)}`
  }, '')
}

/** A union says only that no branch fits. The branch that got furthest is the one the client meant. */
function meantFault(issue: Issue): Pick<Issue, 'path' | 'message'> {
  const faults = leaves(issue)
  const depth = Math.max(...faults.map(({ path }) => path.length))
  const furthest = faults.filter(({ path }) => path.length === depth)
  const value = furthest.find(({ code }) => code !== 'invalid_type') ?? furthest[0]
  if (furthest.length < 2 || value?.code !== 'invalid_type') return value ?? issue
  const wanted = furthest.flatMap((fault) => (fault.code === 'invalid_type' ? [fault.expected] : []))
  return { path: value.path, message: `Invalid input: expected ${wanted.join(' or ')}` }
}

/** The faults inside the unions, with whole paths. A discriminated union without a match is itself the fault. */
function leaves(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue]
  return issue.errors.flatMap((branch) =>
    branch.slice(0, 1).flatMap((fault) => leaves({ ...fault, path: [...issue.path, ...fault.path] })),
  )
}
