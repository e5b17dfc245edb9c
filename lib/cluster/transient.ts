/**
 * Refusals that the same call, made again a moment later, can overcome. Everything else is final:
 * repeating a wrong value only delays its explanation.
 */
const transientTexts: readonly RegExp[] = [
  /connection refused|connection reset by peer|broken pipe/i,
  // A network that is just coming up, or that a laptop is just changing. A name that nobody knows is no such: that is most often a wrong one.
  /connect: (no route to host|network is unreachable)/i,
  /was refused - did you specify the right host or port/i,
  /TLS handshake timeout|i\/o timeout|net\/http: request canceled/i,
  /\bEOF\b|http2: (client connection lost|server sent GOAWAY)/,
  /etcdserver: (leader changed|request timed out|too many requests)/,
  /the server is currently unable to handle the request|ServiceUnavailable/,
  /apiserver (is )?shutting down|server was unable to return a response in the time allotted/i,
  // The API server's own limit for a request, 34 s for most: it stood still, or what it asks did.
  /Timeout: request did not complete within requested timeout/,
  /the object has been modified; please apply your changes to the latest version/,
  /because it is being terminated/,
  /failed calling webhook .*(connection refused|no endpoints available)/,
  /Temporary failure in name resolution|TooManyRequests|too many requests/i,
]

export function isTransient(text: string): boolean {
  return !isUnconfigured(text) && transientTexts.some((pattern) => pattern.test(text))
}

/** Without a kubeconfig kubectl and helm try this address, and no patience makes a cluster appear there; nor does anybody answer kubectl's question for a name. */
export function isUnconfigured(text: string): boolean {
  return text.includes('localhost:8080') || text.includes('127.0.0.1:8080') || text.includes('Please enter Username')
}

/** Somebody answers, or is asked wrongly: what a person has to mend, and no patience does. */
const turnedAwayTexts: readonly RegExp[] = [
  /error loading config file|invalid configuration|context "[^"]*" does not exist|context was not found for specified context/i,
  // What is asked without TLS, or with TLS where there is none.
  /Client sent an HTTP request to an HTTPS server|server gave HTTP response to HTTPS client/,
  // kubectl of a --kubeconfig that is not there.
  /^error: stat \S.*: no such file or directory/m,
  /You must be logged in to the server|x509: /,
  // What the kubeconfig names as who asks.
  /Please enter Username|Error in configuration:/,
]

/** The API server itself could not be talked to. */
const unreachableTexts: readonly RegExp[] = [
  /The connection to the server \S+ was refused/,
  /Unable to connect to the server/,
  /Kubernetes cluster unreachable/,
  /dial tcp \S+:? .*(connection refused|no route to host|i\/o timeout|network is unreachable|no such host)/,
  ...turnedAwayTexts,
]

export function isUnreachable(text: string): boolean {
  return unreachableTexts.some((pattern) => pattern.test(text))
}

/** Of what is unreachable: not for want of an answer. */
export function isTurnedAway(text: string): boolean {
  return turnedAwayTexts.some((pattern) => pattern.test(text))
}
