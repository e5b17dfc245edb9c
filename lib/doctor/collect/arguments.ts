/**
 * Of a command and its arguments: the words that say what runs and how it is reached. A password may be
 * any other word, and so may what follows any other flag.
 */
import { isSecretName, learnFromText, learnSetting, type Learn } from '../learn.ts'
import { type Count, mask } from '../redact.ts'

/** Flags that are shown with what they are set to: Traefik's, and those of what the cluster runs on. */
const readableFlags = /^--?(?:entrypoints?|certificatesresolvers(?=\.[^.=]+\.acme\.(?:storage|caserver|(?:tls|http|dns)challenge)\b)|core|configfile|providers(?=\.kubernetes)|log|accesslog|api|ping|metrics|global|serverstransport|config|conf|provisioner-name|v|port|bind|bind-address|listen-address|advertise-address|service-cluster-ip-range|cluster-cidr|secure-port|leader-elect)(?:[.=]|$)/i
const flag = /^(--[a-z][\w.-]*|-[a-z])(?:=([^]*))?$/i

const readableWords = /^(?:(?:\/usr)?(?:\/local)?(?:\/s?bin)?\/?(?:ba)?sh|-c|-e|-ec|-o|--|exec|airflow|celery|kubernetes|scheduler|webserver|api-server|worker|triggerer|dag-processor|flower|standalone|version|db|check|check-migrations|init|upgrade|migrate|users|create|python3?|tini|(?:\/usr)?(?:\/local)?\/bin\/[\w-]+|\/entrypoint|\/coredns|\/traefik|traefik|local-path-provisioner|start|redis-server|postgres|sleep|node|kube-[a-z-]+|etcd|true|false|\d{1,9}|&&|\|\||;|\\)$/

export function readableArguments(all: readonly unknown[], learn: Learn, count: Count): unknown[] {
  let before = ''
  return all.map((one) => {
    if (typeof one !== 'string') return one
    const previous = before
    before = flag.test(one) && !one.includes('=') ? one : ''
    const [, name, value] = flag.exec(one) ?? []
    if (name !== undefined && value === undefined) return one
    if (name !== undefined && value !== undefined) return readable(name) || (/^--(?:period|wait)$/.test(name) && isPause(value)) ? one : `${name}=${hidden(name, value)}`
    // A password of digits alone, or a port: the flag tells.
    if (/^-\w$/.test(previous) && !readable(previous) && /^\d+$/.test(one)) return hidden(previous, one)
    if (previous === '' ? isCommand(one) : readable(previous) || isCommand(one) && !isSecretName(previous)) return one
    return hidden(previous, one)
  })

  function hidden(name: string, value: string): string {
    if (value === '') return value
    count('arguments')
    learnSetting(learn, name, value)
    if (name !== '') learnFromText(learn, `${name} ${value}`)
    return mask
  }
}

/** The words as one line, where a command and its flag say together what no word says alone; of `-c` the word after it is a line by itself. */
export function commandLineOf(all: readonly unknown[]): string {
  const line = all.filter((one) => typeof one === 'string').join(' ')
  return all.length > 1 && /(?:^|\s)-(?!e?c\s)[a-z]|\b(?:auth|set|user|sqlplus|expdp|impdp|sqlldr|rman|rabbitmqctl)\b/i.test(line) ? line : ''
}

/** git-sync's: `60`, `5m0s`. */
export function isPause(value: string): boolean {
  return /^(?:\d{1,6}|(?:[\d.]{1,6}(?:ms|s|m|h)){1,3})$/.test(value)
}

function readable(name: string): boolean {
  return readableFlags.test(name) && !isSecretName(name)
}

/** `exec airflow scheduler`, in one word or in several. */
function isCommand(text: string): boolean {
  return text.trim().split(/\s+/).every((word) => readableWords.test(word))
}
