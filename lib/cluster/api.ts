/** How the API server is asked: types only, so that what asks knows nothing of processes and sockets. */

/** Which cluster, and how to say so to either tool. */
export interface Target {
  kubeconfig?: string | undefined
  context?: string | undefined
}

/** Everything that airstrip posts: a question that Kubernetes answers by "creating" it, and keeps nothing of. */
export const rulesReview = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'

export interface Limits {
  signal?: AbortSignal | undefined
  /** Ends a question that stays without an answer for so long; the door has its own limit. */
  limitMs?: number | undefined
}

export type Question = Limits & (
  | { method: 'GET'; path: string }
  | { method: 'POST'; path: typeof rulesReview; body: string }
)

/** The server's answer and what its clock said then, or what kubectl said that could not bring one, with its exit code; `late` where none came within the limit. */
export type Answer = { status: number; text: string; date?: string | undefined } | { exitCode: number; text: string; late?: true }

export type Ask = (question: Question) => Promise<Answer>

/** Opens the way to a cluster, or takes the one that is open. */
export type Api = (target: Target) => Ask
