import type { ImageAnswer, KubernetesObject, Reader, ReleaseWish, Rendered } from '../access.ts'
import type { Finding } from '../step.ts'
import { legacyImage, withLegacyImages } from './bitnami.ts'

export interface Pulled {
  /** With other names where the registry says that an image is gone and it is known where it is kept. */
  wish: ReleaseWish
  findings: Finding[]
}

/**
 * Whether every image of the rendered chart can be had. One that is on every node needs no registry;
 * of the others their registry is asked. Only its own word that there is no such image counts against
 * a release: a registry that cannot be reached from here may well be reached from the nodes.
 */
export async function lookUpImages(wish: ReleaseWish, rendered: Rendered, reader: Reader): Promise<Pulled> {
  const missing = lackingImages(imagesOf(rendered), await reader.list({ resources: ['nodes'] }))
  if (missing.length === 0) return { wish, findings: [] }
  const answers = await reader.images(missing)
  const absent = answers.filter(({ state }) => state === 'absent').map(({ image }) => image)
  const moved = absent.flatMap((image) => legacyImage(image) ?? [])
  const elsewhere = moved.length === 0 ? [] : await reader.images(moved.map(({ image }) => image))
  const kept = moved.filter(({ image }) => elsewhere.some((answer) => answer.image === image && answer.state !== 'absent'))
  const lost = absent.filter((image) => !kept.some(({ part }) => part === legacyImage(image)?.part))
  return {
    wish: withLegacyImages(wish, kept.map(({ part }) => part)),
    findings: [...lost.map((image) => notFound(image, answers)), ...kept.map(({ image }) => replaced(image)), ...unasked(answers)],
  }
}

/** Of all containers, init containers and jobs, hooks among them; each once. */
export function imagesOf({ objects, hooks }: Rendered): string[] {
  const found = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) walk(one)
    else if (typeof value === 'object' && value !== null) {
      const { containers, initContainers, ...rest } = value as Record<string, unknown>
      for (const one of [containers, initContainers].flat()) {
        const { image } = (one ?? {}) as { image?: unknown }
        if (typeof image === 'string' && image !== '') found.add(image)
      }
      for (const one of Object.values(rest)) walk(one)
    }
  }
  for (const { spec } of [...objects, ...hooks]) walk(spec)
  return [...found]
}

/** The kubelet tells some fifty images of its node, under every name that they have there. */
export function lackingImages(images: readonly string[], nodes: readonly KubernetesObject[]): string[] {
  const there = nodes.map(({ status }) => new Set(((status as { images?: { names?: string[] | null }[] } | undefined)?.images ?? []).flatMap(({ names }) => names ?? [])))
  return images.filter((image) => there.length === 0 || !there.every((names) => names.has(fullName(image))))
}

/** `redis:7` is docker.io/library/redis:7. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const hosted = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = hosted ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`
  return /[:@][^/]*$/.test(path) ? path : `${path}:latest`
}

function notFound(image: string, answers: readonly ImageAnswer[]): Finding {
  const bitnami = legacyImage(image) !== undefined
  return {
    id: bitnami ? 'bitnami-image-removed' : 'image-not-found',
    severity: 'error',
    title: `Image ${image} does not exist`,
    evidence: answers.filter((answer) => answer.image === image).map(({ reason }) => reason),
    why: 'Its registry says that there is no such repository or tag, and no node has it already.',
    fix: ['Correct repository and tag in airflow.values (or airflow.image) and run again; for a private image load it on the nodes, or name a pull secret (registry.secretName)'],
  }
}

function replaced(image: string): Finding {
  return {
    id: 'bitnami-image-removed',
    severity: 'warning',
    title: `${image} is taken instead of the image of the same tag that Bitnami no longer publishes`,
    evidence: [`${image.replace('bitnamilegacy/', 'bitnami/')} does not exist`],
    why: 'Since August 2025 versioned tags are gone from docker.io/bitnami; they live on, without updates, in docker.io/bitnamilegacy.',
    fix: ['Nothing to do; for a database with updates use one of your own (airflow.database.external).'],
    link: 'https://github.com/apache/airflow/issues/55069',
  }
}

function unasked(answers: readonly ImageAnswer[]): Finding[] {
  const unknown = answers.filter(({ state }) => state === 'unknown')
  const [first] = unknown
  if (first === undefined) return []
  return [{
    id: 'image-registry-unreachable',
    severity: 'warning',
    title: unknown.length === 1 ? `Image ${first.image} was not looked up` : `${unknown.length} images were not looked up`,
    evidence: unknown.map(({ image, reason }) => `${image}: ${reason}`),
    why: 'Their registry gave this machine no answer about them. The nodes, which pull them, may well get one.',
    fix: ['Nothing to do where the nodes reach the registry; without a network load the images on the nodes first (ctr -n k8s.io image import FILE)'],
  }]
}
