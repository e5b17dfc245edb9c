import { parseAllDocuments, type Document, type Tags } from 'yaml'

/**
 * YAML as kubectl and Helm read it (go-yaml 2, which is YAML 1.1): 0644 is octal and yes is true. A
 * date and 12:30 stay text there, where YAML 1.1 has types for both.
 */
export function parseKubernetesYaml(text: string): Document[] {
  return [...parseAllDocuments(text, { version: '1.1', customTags: withoutTimes })]
}

function withoutTimes(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || (tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME')))
}
