/**
 * Values of the chart that a key of airstrip's own decides. Said in both places they could contradict
 * each other, and every run would undo the one with the other.
 */
import type { Found, Path } from './mistakes.ts'
import { spotKey, type Tree } from './tree.ts'

const owned: readonly (readonly [place: string, key: string])[] = [
  ['executor', 'airflow.executor'],
  ['config.core.executor', 'airflow.executor'],
  ['airflow.executor', 'airflow.executor'],
  ['airflow.config.AIRFLOW__CORE__EXECUTOR', 'airflow.executor'],
]

export function ownedValues(tree: Tree): Found[] {
  return owned.flatMap(([place, key]) => {
    const path: Path = ['airflow', 'values', ...place.split('.')]
    const spot = tree.spots.get(spotKey(path))
    return spot === undefined ? [] : [{ offset: spot.value ?? 0, path, message: `is decided by ${key}`, write: `write ${key} instead` }]
  })
}
