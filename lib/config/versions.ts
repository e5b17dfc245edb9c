/** The forms of versions, amounts, images and digests. */
import { text } from './rule.ts'

const number = '(?:0|[1-9][0-9]{0,8})'
const semver = String.raw`${number}\.${number}\.${number}(?:-[0-9A-Za-z.\-]+)?(?:\+[0-9A-Za-z.\-]+)?`

/** `v1.10` → `1.10.0`: a chart's version has three numbers and no v. */
function fullVersion(value: string): string {
  const bare = value.replace(/^v/iu, '')
  return /^[0-9]+\.[0-9]+$/u.test(bare) ? `${bare}.0` : bare
}

export const chartVersion = text({
  pattern: new RegExp(`^${semver}$`, 'u'),
  max: 64,
  what: 'is not a chart version',
  example: '1.10.0',
  mend: fullVersion,
})

export const chartVersionOrAuto = text({
  pattern: new RegExp(`^(?:auto|${semver})$`, 'u'),
  max: 64,
  what: 'is neither a chart version nor auto',
  example: '1.10.0',
  mend: (value) => (value.toLowerCase() === 'latest' ? 'auto' : fullVersion(value.toLowerCase())),
})

export const provisionerVersion = text({
  pattern: new RegExp(`^v${number}\\.${number}\\.${number}$`, 'u'),
  max: 32,
  what: 'is not a tag of local-path-provisioner',
  example: 'v0.0.24',
  mend: (value) => `v${value.replace(/^v/iu, '')}`,
})

export const kubernetesVersion = text({
  pattern: /^[1-9][0-9]{0,2}\.[0-9]{1,3}(?:\.[0-9]{1,3})?$/u,
  max: 16,
  what: 'is not a Kubernetes version',
  example: '1.22.8',
  mend: (value) => value.replace(/^v/iu, ''),
})

export const operatingSystem = text({
  pattern: /^[a-z][a-z0-9_.\-]*(?: [0-9]+(?:\.[0-9]+)*)?$/u,
  max: 64,
  what: 'is not an operating system and its version',
  example: 'ubuntu 20.04',
  mend: (value) => value.toLowerCase().replace(/ lts$/u, ''),
})

/** Without a unit it would be bytes, which nobody means. */
export const size = text({
  pattern: /^[1-9][0-9]{0,8}(?:\.[0-9]{1,3})?(?:[KMGTPE]i|[kMGTPE])$/u,
  max: 16,
  what: 'is not an amount of storage with its unit',
  example: '10Gi',
  mend: (value) =>
    value
      .replace(/ /gu, '')
      .replace(/B$/iu, '')
      .replace(/([kmgtpe])i?$/iu, (_, unit: string) => `${unit.toUpperCase()}i`),
})

const domain = String.raw`[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*(?::[0-9]{1,5})?\/`
const imagePath = String.raw`[a-z0-9]+(?:[._\-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._\-]+[a-z0-9]+)*)*`
const tag = String.raw`[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}`

export const imageRepository = text({
  pattern: new RegExp(`^(?!-)(?:${domain})?${imagePath}$`, 'u'),
  max: 255,
  what: 'is not an image without its tag',
  example: 'docker.io/apache/airflow',
})

export const imageTag = text({
  pattern: new RegExp(`^${tag}$`, 'u'),
  max: 128,
  what: 'is not an image tag',
  example: '2.6.2',
  mend: (value) => value.replace(/^:/u, ''),
})

export const image = text({
  pattern: new RegExp(`^(?!-)(?:${domain})?${imagePath}(?::${tag})?(?:@sha256:[0-9a-f]{64})?$`, 'u'),
  max: 512,
  what: 'is not an image',
  example: 'docker.io/library/busybox:latest',
})

export const sha256 = text({
  pattern: /^[0-9a-f]{64}$/u,
  max: 80,
  what: 'is not a SHA-256 in 64 hexadecimal digits',
  example: '0123456789abcdef'.repeat(4),
  mend: (value) => value.trim().replace(/^sha256:/iu, '').toLowerCase(),
})
