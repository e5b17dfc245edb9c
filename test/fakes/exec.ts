/** kubectl and helm by script. A call that nobody foresaw fails and prints itself. */
import type { Ask } from '../../lib/cluster/api.ts'
import type { Connection } from '../../lib/cluster/connection.ts'
import type { Call, Exec, Outcome } from '../../lib/cluster/exec.ts'
import { createRedactor } from '../../lib/cluster/redact.ts'

export type Answer = Partial<Outcome> | ((call: Call) => Partial<Outcome>)

export interface Scripted {
  /** Matched against `kubectl get -f -`: the tool and its arguments, without the flags for the target. */
  when: RegExp
  /** One answer for every call, or one after the other; the last one stays. */
  answers: Answer | Answer[]
}

export function fakeExec(script: readonly Scripted[]): { exec: Exec; calls: Call[]; lines: () => string[] } {
  const calls: Call[] = []
  const used = new Map<Scripted, number>()
  const exec: Exec = (call) => {
    calls.push(call)
    const line = lineOf(call)
    const found = script.find(({ when }) => when.test(line))
    if (found === undefined) return Promise.reject(new Error(`unscripted call: ${line}\n${call.stdin ?? ''}`))
    const answers = Array.isArray(found.answers) ? found.answers : [found.answers]
    const index = used.get(found) ?? 0
    used.set(found, index + 1)
    const answer = answers[Math.min(index, answers.length - 1)] ?? {}
    return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', ms: 1, ...(typeof answer === 'function' ? answer(call) : answer) })
  }
  return { exec, calls, lines: () => calls.map(lineOf) }
}

function lineOf({ tool, args }: Call): string {
  return [tool, ...args.filter((word) => !/^--(request-timeout|kubeconfig|context|kube-context)=/.test(word))].join(' ')
}

export const unscripted: Ask = ({ method, path }) => Promise.reject(new Error(`unscripted question: ${method} ${path}`))

export function connectionOf(exec: Exec, more: Partial<Connection> = {}): Connection {
  return { exec, ask: unscripted, target: { kubeconfig: '/home/joe/.kube/config' }, redactor: createRedactor(), retryMs: 1, ...more }
}
