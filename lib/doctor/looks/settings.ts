/** A secret as the value of a setting: of a file, an environment, JSON, YAML, XML or an object that was printed. */
import { key, noValue, untaken } from './words.ts'

export const settings: readonly RegExp[] = [
  // A line of an INI or YAML file or of an environment: to its end, for the value may hold blanks.
  new RegExp(`(?<before>^[ \\t-]{0,40}(?:export )?["']?[\\w.-]{0,60}${key}["']?[ \\t]{0,3}[=:][ \\t]{1,3})${untaken}${noValue}(?!["'|>{\\[&*])[^\\n]+`, 'gim'),
  new RegExp(`(?<before>${key}["']?:[ \\t]{0,3}[|>][+-]?\\n)(?<indent>[ \\t]{1,40})${untaken}[^\\n]+(?:\\n\\k<indent>[^\\n]+)*`, 'gi'),
  // "password": "…", AIRFLOW__CORE__FERNET_KEY='…', also in a string within a string.
  new RegExp(`(?<before>${key}\\\\*["']?\\s{0,3}(?:=>?|:)\\s{0,3}(?<quote>\\\\*["']))${untaken}(?:(?!\\k<quote>)[^\\n]){1,2000}(?<after>\\k<quote>)`, 'gi'),
  // Not: MountVolume.SetUp failed for volume "default-token-x" : failed to sync secret cache
  new RegExp(`(?<before>${key}(?:\\\\*["'](?!\\s+:\\s+\\D))?\\s{0,3}(?:=>?|:)\\s{0,3}["']?)${untaken}${noValue}(?![\\s"'{\\[\\\\])[^\\s"']+`, 'gi'),
  new RegExp(`(?<before>\\bname\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?[\\w.-]{0,60}${key}\\\\*["']?[\\s,]{1,20}-?\\s{0,3}\\\\*["']?value\\\\*["']?\\s{0,3}[:=]\\s{0,3}\\\\*["']?)${untaken}[^\\s"'}]+`, 'gi'),
]
