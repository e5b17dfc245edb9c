/**
 * What Helm or the chart refuses before anything runs, told from what they said. The texts are those
 * of Helm 3 (pkg/chartutil, pkg/action, pkg/kube) and of the charts' own checks.
 */
import type { Finding } from '../../../step.ts'
import { families, familyById } from '../../../airflow/families.ts'
import { guardExecutor } from '../../../airflow/guard.ts'
import type { Evidence } from '../../evidence.ts'
import { type Match, failuresOf, matchesIn, quoted } from '../../failures.ts'
import { type Rule, wrong } from '../../rule.ts'

export const again = 'npx tsx run.ts apply --from helm'

export const refusalRules: readonly Rule[] = [executor, tooOld, schema, template, kubeVersion, nameInUse]

const anyExecutor = /^.*(?:executor(?:: executor)? must be one of the following|'?\/?executor'?:? (?:Does not match pattern|'[^'\n]*' does not match pattern|value must be one of)|The .airflow\.executor. must be one of).*$/m

function executor(evidence: Evidence): Finding[] {
  const said = matchesIn(evidence, anyExecutor)
  const [wanted] = evidence.wanted === undefined ? [] : guardExecutor(evidence.wanted.executor, familyById(evidence.wanted.family))
  if (wanted !== undefined) return [{ ...wanted, evidence: [...wanted.evidence, ...said.map(quoted)] }]
  if (said.length === 0) return []
  return [wrong('executor-not-supported-by-chart', {
    title: 'The chart does not take the executor',
    evidence: said.map(quoted),
    why: 'Its schema has a list of executors, and refuses any other.',
    fix: [`Write another executor as airflow.executor (${takenBy(evidence).join(', or ')}), then: ${again}`],
  })]
}

/** What charts of that kind take, without the one that this one has refused; where the kind is not known, what all of them take. */
function takenBy({ wanted }: Evidence): string[] {
  const meant = families.filter(({ id }) => wanted === undefined || id === wanted.family)
  const [first, ...others] = meant
  return (first?.executors ?? []).filter((one) => one !== wanted?.executor && others.every(({ executors }) => executors.includes(one)))
}

// "- webserver: Additional property foo is not allowed"; Helm 3.18 and later: "- at '/webserver': additional properties 'foo' not allowed".
const schemaLine = /^\s*- (?:at '\/?([^']*)'|([^\s:]+)): (.+)$/m

function schema(evidence: Evidence): Finding[] {
  const refused = failuresOf(evidence).some(({ text }) => text.includes('meet the specifications of the schema'))
  if (!refused) return []
  const lines = matchesIn(evidence, schemaLine).filter(({ groups }) => !anyExecutor.test(groups[0]))
  const places = [...new Set(lines.map(pathOf))]
  if (lines.length === 0 && matchesIn(evidence, anyExecutor).length > 0) return []
  return [wrong('values-schema-rejected', {
    title: places.length === 0 ? 'The chart\'s schema refuses a value' : `The chart's schema refuses ${places.join(', ')}`,
    evidence: lines.length > 0 ? lines.map(quoted) : matchesIn(evidence, /^.*meet the specifications of the schema.*$/m).map(quoted),
    why: lines.some(isOfTheOtherChart) ? 'These are values of the community chart (airflow-stable/airflow); the official one has others.' : 'A value is misspelled, of another type, or of another version of the chart.',
    fix: [`Correct ${places.length === 0 ? 'airflow.values' : places.map((place) => `airflow.values.${place}`).join(', ')} in the configuration, then: ${again}`],
  })]
}

/** `webserver` and `Additional property foo`: webserver.foo. */
function pathOf({ groups: [, pointer, dotted = '', problem = ''] }: Match): string {
  const place = pointer?.replaceAll('/', '.') ?? dotted
  const [, extra] = /[Aa]dditional propert(?:y|ies) '?([\w.-]+)'?/.exec(problem) ?? []
  return [...(place === '(root)' || place === '' ? [] : [place]), ...(extra === undefined ? [] : [extra])].join('.')
}

function isOfTheOtherChart(match: Match): boolean {
  return /^(airflow|web|dbMigrations|externalDatabase|externalRedis|pgbouncer\.image)$/.test(pathOf(match))
}

/** `parse error at (airflow/templates/check-values.yaml:38): function "break" not defined` */
function tooOld(evidence: Evidence): Finding[] {
  return matchesIn(evidence, /parse error at \([^)]*\): function "(\w+)" not defined/).map((match) => wrong('helm-too-old-for-chart', {
    title: `The chart's templates use ${match.groups[1] ?? ''}, which this Helm does not know`,
    evidence: [quoted(match), ...(evidence.versions === undefined ? [] : [`Helm ${evidence.versions.helm}`])],
    why: 'Chart and Helm are of different ages: what templates may use comes with the Go that Helm was built with.',
    fix: [`npx tsx run.ts charts # which versions this Helm can read, and which Helm the others need; then: ${again}`],
  }))
}

// "execution error at (airflow/templates/NOTES.txt:12:3): " and "YAML parse error on airflow/templates/x.yaml: ";
// Helm 4 writes place, function and mistake of a template in three lines.
const fail = /execution error at \(([^)]+)\): ([^\n]+)/
const broken = /(?:YAML parse error on|error converting YAML to JSON|template: [^\s:]+:\d+:\d+: executing|parse error at \((?![^)]*\): function))[^\n]*|\S+:\d+:\d+\n\s+executing "[^\n]*\n[^\n]*/

function template(evidence: Evidence): Finding[] {
  const refusals = matchesIn(evidence, fail).filter(({ groups }) => !anyExecutor.test(groups[0]))
  const faults = refusals.length > 0 ? [] : matchesIn(evidence, broken)
  const [first] = refusals
  const found = first ?? faults[0]
  if (found === undefined) return []
  return [wrong('values-schema-rejected', {
    title: first === undefined ? 'The chart cannot be rendered with these values' : `The chart refuses its values: ${first.groups[2] ?? ''}`,
    evidence: [...refusals, ...faults].map(quoted),
    why: first === undefined ? 'A value is of a kind that a template does not expect.' : 'A check in the chart itself says so.',
    fix: [`Correct airflow.values in the configuration, then: ${again}`],
  })]
}

function kubeVersion(evidence: Evidence): Finding[] {
  return matchesIn(evidence, /chart requires kubeVersion: (.+?) which is incompatible with Kubernetes (v\S+)/).map((match) => wrong('kubeversion-refused', {
    title: `The chart wants Kubernetes ${match.groups[1] ?? ''}, and this is ${match.groups[2] ?? ''}`,
    evidence: [quoted(match)],
    why: 'Chart.yaml says which versions the chart is made for, and Helm refuses the others.',
    fix: [`npx tsx run.ts charts # which versions fit; write one as airflow.version (or auto), then: ${again}`],
  }))
}

function nameInUse(evidence: Evidence): Finding[] {
  const matches = matchesIn(evidence, /cannot re-?use a name that is still in use/)
  if (matches.length === 0) return []
  const { record, namespace, release = 'airflow' } = evidence
  return [wrong('helm-name-in-use', {
    title: `There is a release ${namespace}/${release} already, and Helm was told to install it`,
    evidence: [...matches.map(quoted), ...(record === undefined ? [] : [`Helm release ${namespace}/${release}: revision ${record.revision} is ${record.status}`])],
    why: 'A release keeps its name also where its install has failed; plain `helm ls` hides those that are not deployed.',
    fix: [`${again} # uses upgrade --install, which mends it in place`],
  })]
}
