import type { ManifestSource } from '../access.ts'

/** SHA-256 of deploy/local-path-storage.yaml at each tag of rancher/local-path-provisioner. */
const sums: Record<string, string> = {
  'v0.0.19': '15e7d1fd45556d364737ef6427f6da84e06e81d630c5b580d8d6ec350755f81b',
  'v0.0.20': 'cd97064ab285c94f5edb2a5b4a2608790c8a2eab5d81d7dbcae9d53cecf490b1',
  'v0.0.21': '837e5a6d1313e84151e0c52f1f545b7c2feab739d6dc5b743085fb45c1a417c6',
  'v0.0.22': 'c273747bd5959593a87302b36c82c4269884ce3980f2174b4d3f451e707a60d3',
  'v0.0.23': '3b333fdefb2b37d0149e9d47fd576cde4c14a8b9d1f437af0507b8d83e1162ef',
  'v0.0.24': '82c38963bfcb4f9a808c388185bb0a7a2f4129a03d537e2f01f491f9f3c8d1b3',
  'v0.0.25': '7a580f6c90ce4306e81b0ecba710b3724037a3b8eeb89217033f596834f41f56',
  'v0.0.26': 'e7ca7914a78dbbc20d29201ac46a6c95955ffc14cfe75ff2ae603ae36cf76d3e',
  'v0.0.27': 'fb12210b26fa61b4270928587e1eb259df3a2ccf525f3a6dbde7ea40db6be4a6',
  'v0.0.28': '569fe4c806d8a967b3be1c97ead3dec5fa6931fc983c731a755c0e8ad82ea336',
  'v0.0.29': '8496bb4c9e2f5e9c0a79cb978037c96f8693b3e8c9d6c6fd360a1c51d037853b',
  'v0.0.30': 'fe682186b00400fe7e2b72bae16f63e47a56a6dcc677938c6642139ef670045e',
  'v0.0.31': 'bed8d03e3e07e03d3dd3e4e2150ea6eb03f8753bd317bfeb1bfa49e9b432f78d',
  'v0.0.32': '1389a68e17a3035b7be0fdada9a9ecc7063cc2e5fee88fcbf9bfd87c0e30a38c',
}

/** A person's own file and checksum, or the release's download with the checksum that is known for it. */
export function provisionerSource(config: { version: string; manifest?: string | undefined; sha256?: string | undefined }): ManifestSource {
  const { version, manifest, sha256 } = config
  const url = `https://raw.githubusercontent.com/rancher/local-path-provisioner/${version}/deploy/local-path-storage.yaml`
  return { url, file: manifest, sha256: sha256 ?? (manifest === undefined ? sums[version] : undefined) }
}
