import t from 'tap'
import { pastedError, pastedWith } from '../../../lib/commands/pasted.ts'
import { commands } from '../../../lib/commands/records.ts'
import { AirstripError } from '../../../lib/errors.ts'
import { traefikLogs } from '../../../lib/observe/pod-logs.ts'
import { finding } from '../engine/steps.ts'

const plain = { config: 'airstrip.yaml', state: 'state/state.json' }
const full = { config: 'home office.yaml', state: 'state/two.json', kubeconfig: '/home/joe/.kube/two', context: 'two@home' }
const fixOf = (flags: typeof plain, text: string): string => pastedWith(flags)({ fix: text }).fix

void t.test('a fix names the flags that were given', (t) => {
  const flags = '--config \'home office.yaml\' --state state/two.json --kubeconfig /home/joe/.kube/two --context two@home'
  const cluster = '--kubeconfig /home/joe/.kube/two --context two@home'
  const table: [given: string, wanted: string][] = [
    ['npx tsx run.ts apply', `npx tsx run.ts apply ${flags}`],
    ['npx tsx run.ts apply --only storage # for the pairs', `npx tsx run.ts apply ${flags} --only storage # for the pairs`],
    ['Make them (npx tsx run.ts apply --only storage), then wait', `Make them (npx tsx run.ts apply ${flags} --only storage), then wait`],
    ['npx tsx run.ts --from helm', `npx tsx run.ts ${flags} --from helm`],
    ['npx tsx run.ts apply --from helm --timeout 60m', `npx tsx run.ts apply ${flags} --from helm --timeout 60m`],
    ['kubectl -n airflow get pvc # and correct it', `kubectl ${cluster} -n airflow get pvc # and correct it`],
    ['kubectl get nodes; then: kubectl uncordon NODE', `kubectl ${cluster} get nodes; then: kubectl ${cluster} uncordon NODE`],
    ['kubectl cluster-info # and correct it', `kubectl ${cluster} cluster-info # and correct it`],
    ['kubectl config get-contexts # then --context NAME', 'kubectl --kubeconfig /home/joe/.kube/two config get-contexts # then --context NAME'],
    ['kubectl config get-users --kubeconfig a; kubectl config use-context b', 'kubectl config get-users --kubeconfig a; kubectl --kubeconfig /home/joe/.kube/two config use-context b'],
    ['helm -n airflow history airflow', `helm --kubeconfig /home/joe/.kube/two --kube-context two@home -n airflow history airflow`],
    ['helm history airflow', `helm --kubeconfig /home/joe/.kube/two --kube-context two@home history airflow`],
    ['Move kubectl: install kubectl 1.22.', 'Move kubectl: install kubectl 1.22.'],
    ['sudo snap install helm --classic', 'sudo snap install helm --classic'],
    ['Either kubectl or helm is missing; helm repo update', 'Either kubectl or helm is missing; helm repo update'],
  ]
  for (const [given, wanted] of table) {
    t.equal(fixOf(full, given), wanted)
    t.equal(fixOf(plain, given), given, 'without flags it stays as it is')
  }
  t.equal(fixOf({ ...plain, state: 'two.json' }, 'kubectl get nodes && npx tsx run.ts apply'), 'kubectl get nodes && npx tsx run.ts apply --state two.json')
  t.end()
})

void t.test('every command of airstrip is known, its flags follow it, and no word that is none', (t) => {
  for (const { name } of commands) t.equal(fixOf({ ...plain, context: 'two' } as typeof plain, `npx tsx run.ts ${name} WORD`), `npx tsx run.ts ${name} --context two WORD`)
  t.equal(fixOf({ ...plain, context: 'two' } as typeof plain, 'npx tsx run.ts report'), 'npx tsx run.ts --context two report')
  t.end()
})

void t.test('both commands of a pipe that reads the logs of pods by their label ask the same cluster', (t) => {
  const logs = fixOf({ ...plain, kubeconfig: '/k' } as typeof plain, traefikLogs())
  t.match(logs, /^kubectl --kubeconfig \/k get pods -A -l app\.kubernetes\.io\/name=traefik -o jsonpath=.* do kubectl --kubeconfig \/k -n "\$ns" logs "\$pod" --tail=100; done$/)
  t.notMatch(logs, /logs -A/, 'which kubectl does not have')
  t.end()
})

void t.test('of findings and errors, at any depth, only what is to be pasted changes', (t) => {
  const given = { ...finding('a'), title: 'npx tsx run.ts apply', fix: ['kubectl get nodes'] as [string] }
  const pasted = pastedWith({ ...plain, context: 'two' })
  t.match(pasted({ ...given, causes: [given] }), { title: 'npx tsx run.ts apply', fix: ['kubectl --context two get nodes'], causes: [{ fix: ['kubectl --context two get nodes'] }] })
  const error = new AirstripError('FAILED', 'npx tsx run.ts apply', { findings: [given], next: 'npx tsx run.ts apply', place: 'here', seen: ['kubectl get nodes'] })
  t.match(pastedError(error, pasted), { code: 'FAILED', message: 'npx tsx run.ts apply', place: 'here', seen: ['kubectl get nodes'], next: 'npx tsx run.ts apply --context two', findings: [{ fix: ['kubectl --context two get nodes'] }] })
  t.end()
})
