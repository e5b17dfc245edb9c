import type { ReleaseWish } from '../access.ts'
import { edited } from '../manifest/load.ts'

/**
 * Where the bundled database and broker get images that are gone: since August 2025 docker.io/bitnami
 * has no versioned tags any more. The very same tags live on in docker.io/bitnamilegacy, so no other
 * version comes over anybody's data (https://github.com/bitnami/containers/issues/83267; the official
 * chart names bitnamilegacy itself since 1.19.0). Both charts have them at the same values.
 */
const parts = ['postgresql', 'redis'] as const

type Part = (typeof parts)[number]

interface Values {
  image?: { repository?: unknown }
}

const gone = /^(?:docker\.io\/)?bitnami\/(postgresql|redis)(?=:|@|$)/

/** The same image where it is kept; undefined for one that was never Bitnami's. */
export function legacyImage(image: string): { part: Part; image: string } | undefined {
  const part = parts.find((one) => one === gone.exec(image)?.[1])
  return part === undefined ? undefined : { part, image: image.replace(gone, `docker.io/bitnamilegacy/${part}`) }
}

export function withLegacyImages(wish: ReleaseWish, which: readonly Part[]): ReleaseWish {
  return which.reduce((made, part) => ({ ...made, values: edited(made.values, { [part]: { image: { repository: `bitnamilegacy/${part}` } } }) }), wish)
}

/** What was replaced once stays so, without asking a registry in every run; a repository of the person's own wins. */
export function keepingLegacyImages(wish: ReleaseWish, had: Record<string, unknown> | undefined): ReleaseWish {
  const kept = parts.filter((part) => repositoryOf(had?.[part]) === `bitnamilegacy/${part}` && repositoryOf(wish.values[part]) === undefined && (wish.values[part] as { enabled?: unknown } | undefined)?.enabled !== false)
  return withLegacyImages(wish, kept)
}

function repositoryOf(values: unknown): unknown {
  return (values as Values | undefined)?.image?.repository
}
