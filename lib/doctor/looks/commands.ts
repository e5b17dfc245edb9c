/** Secrets as arguments of commands. */
import { untaken, word } from './words.ts'

export const commands: readonly RegExp[] = [
  // --db-password X, and the same as a list of words.
  new RegExp(`(?<before>(?<![\\w-])--?[\\w-]{0,40}${word}[\\w-]{0,20}["']?[\\s,]{1,3}["']?)${untaken}(?![-\\s"'=:])[^\\s"']+`, 'gi'),
  new RegExp(`(?<before>\\b(?:users\\s+create\\b[^\\n]{0,400}?\\s-p|mysql(?:dump|admin)?\\b[^\\n]{0,400}?\\s-p|sshpass\\s+-p|redis-cli\\b[^\\n]{0,400}?\\s-a)\\s*["']?)${untaken}[^\\s"'-][^\\s"']*`, 'gi'),
  new RegExp(`(?<before>\\s(?:-u|--user)[\\s=]["']?[^\\s:"']{1,100}:)${untaken}[^\\s"'/][^\\s"']*`, 'g'),
]
