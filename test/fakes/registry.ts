/** As much of a registry as a chart needs: its tags, a manifest for each, and what the manifests name. */
import { createHash } from 'node:crypto'
import type { Handler } from './web.ts'

export const helmConfig = 'application/vnd.cncf.helm.config.v1+json'
const manifestKind = 'application/vnd.oci.image.manifest.v1+json'

export interface Pushed {
  /** Chart.yaml, as Helm pushes it. */
  config: Record<string, unknown>
  /** The packed chart itself; left out where nobody pulls it. */
  archive?: Buffer
  /** What the config says that it is. */
  kind?: string
}

const digestOf = (content: string | Buffer): string => `sha256:${createHash('sha256').update(content).digest('hex')}`

export const giving = (content: string | Buffer, headers: Record<string, string> = {}): Handler => (request, answer) => {
  answer.writeHead(200, { 'content-length': Buffer.byteLength(content), ...headers }).end(request.method === 'HEAD' ? undefined : content)
}

/** The paths of a registry that holds these, by their tags. */
export function registryOf(name: string, pushed: Record<string, Pushed>): Record<string, Handler> {
  const blob = (content: string | Buffer): [string, Handler] => [`/v2/${name}/blobs/${digestOf(content)}`, giving(content, { 'content-type': 'application/octet-stream' })]
  const paths = Object.entries(pushed).flatMap(([tag, { config, archive = Buffer.alloc(0), kind = helmConfig }]): [string, Handler][] => {
    const text = JSON.stringify(config)
    const manifest = JSON.stringify({
      schemaVersion: 2, mediaType: manifestKind,
      config: { mediaType: kind, digest: digestOf(text), size: text.length },
      layers: [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', digest: digestOf(archive), size: archive.length }],
    })
    const given = giving(manifest, { 'content-type': manifestKind, 'docker-content-digest': digestOf(manifest) })
    return [[`/v2/${name}/manifests/${tag}`, given], [`/v2/${name}/manifests/${digestOf(manifest)}`, given], blob(text), blob(archive)]
  })
  return {
    '/v2/': giving('{}'),
    [`/v2/${name}/tags/list`]: giving(JSON.stringify({ name, tags: Object.keys(pushed) }), { 'content-type': 'application/json' }),
    ...Object.fromEntries(paths),
  }
}
