/** A Writer that keeps a list of what it was asked to do. */
import type { Writer } from '../../lib/access.ts'

export interface Recorded extends Writer {
  acts: { verb: string; what: string[] }[]
}

export function recordingWriter(fail?: (verb: string) => Error | undefined): Recorded {
  const acts: Recorded['acts'] = []
  const act = (verb: string, ...what: string[]): Promise<void> => {
    acts.push({ verb, what })
    const error = fail?.(verb)
    return error === undefined ? Promise.resolve() : Promise.reject(error)
  }
  const names = (objects: readonly { kind: string; metadata: { name: string } }[]): string[] => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return {
    acts,
    apply: (objects) => act('apply', ...names(objects)),
    create: (objects) => act('create', ...names(objects)),
    remove: (live, { wait, keepsPods } = {}) => act(wait === false ? 'dismiss' : keepsPods === true ? 'orphan' : 'remove', ...names([live])),
    patch: (live, patch) => act('patch', ...names([live]), ...patch.map(({ op, path }) => `${op} ${path}`)),
    upgrade: ({ name }) => act('upgrade', name),
    unlock: ({ name }) => act('unlock', name),
    uninstall: ({ name }) => act('uninstall', name),
    dump: async (wish) => {
      await act('dump', wish.place.database)
      return { ...wish, file: '/state/backups/a.dump', sha256: '', size: 1, createdAt: '', namespace: wish.place.namespace, release: wish.place.release, database: wish.place.database, server: '15', bytes: 1, rows: {} }
    },
    load: (place, { file }, name) => act('load', place.database, file, name),
    discard: (place, name) => act('discard', place.database, name),
    swap: (place, name, kept) => act('swap', place.database, name, kept),
    random: (count) => Buffer.alloc(count, 7),
  }
}
