/** What a runtime's words on a failed pull mean, whoever's they are: containerd's, Docker's, CRI-O's. */

// Cut off half way: the registry is there, and the next try gets further.
const cutOff = /failed to copy|httpReadSeeker|unexpected EOF/i
// It has the image's list and lacks what that names: failed open: content at https://ghcr.io/v2/me/airflow/manifests/sha256:30aa… not found: not found
const noManifest = /content at \S+\/manifests\/\S+ not found/
// failed to prepare extraction snapshot "extract-… sha256:…": parent snapshot sha256:… does not exist: not found
// The node's own store, between two of its clean-ups: nothing of that is the registry's, and the next try may find it whole.
// failed to commit snapshot extract-817-abc sha256:dd: snapshot extract-817-abc sha256:dd does not exist: not found · dockershim: layer does not exist
const ownStore = /failed to prepare extraction snapshot|failed to commit snapshot|\bsnapshot (\S+ ){1,2}does not exist|\blease \S+ does not exist|layer does not exist/
// Asked before "absent": "no such host: not found" is no answer from a registry.
const unreachable = /\bdial (tcp|udp)\b|no such host|name resolution|server misbehaving|no route to host|network is unreachable|connection refused/i
// A page of a proxy, or of whoever wants a login: failed to resolve reference "…": unexpected media type text/html for sha256:…: not found
const page = /unexpected media type text\/html/
// May be the node's clock, which is set some time after a boot; also as the reason for "signed by unknown authority".
const outOfTime = /certificate has expired or is not yet valid/
// Neither changes by itself: the one is how the node is told to ask, the other whom it trusts.
const plainHttp = /server gave HTTP response to HTTPS client/
const untrusted = /x509: certificate signed by unknown authority|doesn't contain any IP SANs|certificate is (?:not )?valid for|certificate relies on legacy Common Name/
const transient = /time[d ]*out|deadline exceeded|toomanyrequests|too many requests|\b429\b|\btls\b|x509|certificate|connection reset|\bEOF\b|\b50[0234]\b|bad gateway|unavailable|canceled/i
// CRI-O: short name mode is enforcing, but image name apache/airflow:2.6.2 returns ambiguous list
// containers/image: short-name "apache/airflow:2.6.2" did not resolve to an alias and no unqualified-search registries are defined in "/etc/containers/registries.conf"
const shortName = /short name mode is enforcing|short-name resolution enforced|short-name "[^"]*" did not resolve/
// image pull failed for apache/airflow:2.6.2 because the signature validation failed: Source image rejected: A signature was required, but no signature exists
const unsigned = /signature validation failed|SignatureValidationFailed|Source image rejected/
// failed to extract layer sha256:…: failed to get reader from content store: content digest sha256:1b93…: not found
// failed to stat parent: stat /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/112/fs: no such file or directory
// CRI-O: reading image "ab12…": locating item named "manifest" for image with ID "ab12…" (consider removing the image to resolve the issue): file does not exist
const lostPart = /failed to get reader from content store|content digest sha256:[0-9a-f]+: not found|failed to stat parent: stat \S+: no such file|locating item named "manifest" for image .*: file does not exist/
// The last is CRI-O's.
const otherCpu = /no match(ing manifest)? for (platform|linux)|no image found in (manifest list|image index) for architecture/i
const absent = /not found|notfound|manifest unknown|name unknown|does not exist|pull access denied/i
// A colon before "denied": "permission denied" is of the node's own disk.
const denied = /unauthorized|authentication required|no basic auth|insufficient_scope|\b40[13]\b|: denied\b/i

export type Meaning = 'short name' | 'lost part' | 'unreachable' | 'page' | 'plain http' | 'untrusted' | 'passing' | 'unsigned' | 'other cpu' | 'absent' | 'denied'

/** The first that fits counts: each is asked before what it could be taken for. */
const meanings: readonly [Meaning, RegExp][] = [
  ['absent', noManifest], ['passing', cutOff], ['lost part', lostPart], ['passing', ownStore], ['page', page], ['plain http', plainHttp], ['passing', outOfTime], ['untrusted', untrusted],
  ['unreachable', unreachable], ['passing', transient], ['unsigned', unsigned], ['other cpu', otherCpu], ['absent', absent], ['denied', denied],
]

/** Undefined for what nobody has met before. */
export function meaningOf(said: string, reason: string): Meaning | undefined {
  if (shortName.test(said)) return 'short name'
  // What else keeps the runtime from looking is its own: the socket that refuses is no registry's.
  if (reason === 'ImageInspectError') return 'passing'
  return meanings.find(([, text]) => text.test(said))?.[0]
}

export function lacksPart(said: string): boolean {
  return lostPart.test(said)
}

/**
 * The last link of the chain of errors, without what changes with every try (the port that a question
 * was sent from): a reason that differs each time would be printed each time.
 */
export function inShort(text: string): string {
  const last = text.split(/failed to do request: |desc = /).at(-1) ?? text
  return last.replace(/\b(read|write) (tcp|udp) \S+->\S+: /g, '').slice(0, 160)
}
