/**
 * Whether a word looks like what somebody, or chance, chose for a password, where nothing beside it says so. What
 * does is hunted in all that is said; the name of a host, an object or an image must not be, for rules read those.
 */

/** Of a program, a module or a Secret store too. */
const location = /^(?:[\w.-]*\/)+[\w.-]*$/
const path = /^(?:\.{0,2}|~)\//

/** A password may hold a slash: where there is reason to expect one, only what begins as a path is one. */
export function isPath(text: string): boolean {
  return path.test(text)
}

/** Elsewhere what only has slashes is a path too, unless it is mixed as only chance mixes. */
export function isLocation(text: string): boolean {
  return isPath(text) || (location.test(text) && !(/[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text) && !/\.[a-z]\w{0,4}$/.test(text)))
}

/** Of one piece, long, letters and digits: no word, name, version, date or address. */
const generated = /^(?=.*[a-z])(?=.*\d)(?!v?\d[.\d-]+\w*$)[\w+=!@#$%^&*~-]{12,}$/i
const nameLike = /^[a-z0-9]+(?:-[a-z0-9]+)+$/

export function isGenerated(text: string): boolean {
  return generated.test(text) && !nameLike.test(text)
}

/** A word with few digits after it, a number, the `1a` of a zone; Kubernetes' own short names. */
const part = '(?:[a-z]+\\d{0,4}|\\d{1,4}|\\d{1,2}[a-z]|k[38]s)'
const innocent: readonly RegExp[] = [
  new RegExp(`^${part}(?:[-_.,]{1,2}${part})*$`),
  // AIRFLOW__CORE__EXECUTOR, 2.6.2, 2023-08-02T10:29:40Z
  /^[A-Z][A-Z0-9]*(?:_+[A-Z0-9]+)*$/, /^v?\d[\d.:TZ+-]*$/,
  // v1.27.4+k3s1, m5.2xlarge, [logging], airflow.www.security.AirflowSecurityManager; what kubeadm calls its user.
  /^v?\d+(?:\.\d+){1,3}(?:[-+][a-z]{1,10}(?:\d{1,3}(?:[a-z]\d{0,3})?)?(?:\.\d{1,3})*)+$/, /^[a-z]\w{1,5}\.(?:\d{1,2}x)?(?:nano|micro|small|medium|large|metal)$/, /^\[\w+\]$/, /^[a-z_]+(?:\.[a-z_]+)*\.[a-z_]+$/i, /^kubernetes-admin@[a-z][a-z0-9.-]*$/,
  /^[a-z0-9._/:-]+@sha256:[0-9a-f]{64}$/,
  // Hosts with port and path, images, mails.
  /^[\w*-]+(?:\.[\w-]+)*\.[a-z]{2,}(?::\d+)?(?:\/[a-z0-9./_-]*)?$/, /^[\w-]+:\d{1,5}(?:\/[a-z0-9./_-]*)?$/, /^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+(?::[\w.-]+)?$/, /^[\w.+-]+@[\w-]+(?:\.[\w-]+)+$/,
  // Code, flags, references to variables, markup, addresses.
  /\(.*\)|^[-<$#]|\{\{|^[a-z][a-z0-9+.-]*:\/\//i,
]

export function isTelling(text: string): boolean {
  if (text.length < 6 || /\s/.test(text) || !/[a-z]/i.test(text) || !/[^a-z]/i.test(text)) return false
  return !isLocation(text) && !innocent.some((one) => one.test(text))
}

const scheme = '(?:[a-z][a-z0-9+.-]*:\\/\\/)?'
const places: readonly RegExp[] = [
  // Ports, words as people write them (GitHub, AIRFLOW_PROD).
  /^(?:\d{1,5}|[A-Z]{0,3}[a-z]+(?:[A-Z]{1,3}[a-z]*){0,3}|[A-Z]+(?:_[A-Z]+)*)?$/,
  // Addresses of machines.
  /^(?=(?:.*:){2})[\da-f:]{2,39}$/i,
  new RegExp(`^${scheme}(?:\\d{1,3}(?:\\.\\d{1,3}){3}|\\[[\\da-f:.]+\\])(?::\\d{1,5})?\\/?$`, 'i'),
  // Hosts, buckets and images.
  new RegExp(`^${scheme}[a-z0-9._-]*[a-z][a-z0-9._-]*(?::\\d{1,5})?(?:\\/[a-z0-9._-]*)+(?::[\\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?$`),
  /^(?:\*\.)?(?:[a-z0-9-]+|[A-Z0-9-]+)(?:\.(?:[a-z0-9-]+|[A-Z0-9-]+))*\.(?:[a-z]+|[A-Z]+)\.?$/,
  // With a port or a tag: what follows a user is no such number.
  new RegExp(`^${scheme}[a-z][a-z0-9._-]*:(?:\\d{1,5}|\\d+(?:\\.\\d+){1,3}(?:-[a-z]+[\\d.]{0,10}){0,4})$`),
  // Mails, and users of a server in Azure.
  /^[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i, /^[a-z][a-z0-9_.-]{2,}@[a-z]+(?:-[a-z0-9]+)+$/,
]
const longestPlace = 500
const lowercase = /^(?=[\d._-]*[a-z])[a-z0-9]+(?:[-_.][a-z0-9]+)*$/
/** /var/run/postgresql, /cloudsql/project:eu-west1:db */
const socket = /^(?:\/[a-z][a-z0-9._:-]*)+\/?$/

/** Under a key that says where to or as whom, alone or in a list: of small letters it is a name, unless chance made it. */
export function isPlace(text: string): boolean {
  return text.length <= longestPlace && text.split(',').every((one) => isOnePlace(one.trim()))
}

function isOnePlace(text: string): boolean {
  if (places.some((one) => one.test(text))) return true
  if (socket.test(text)) return !text.split(/[/:]/).some(isGenerated)
  return lowercase.test(text) && (!isTelling(text) || !isGenerated(text))
}
