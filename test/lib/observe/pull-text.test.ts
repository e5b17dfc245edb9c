import t, { type Test } from 'tap'
import { type Meaning, meaningOf } from '../../../lib/observe/pull-text.ts'
import { observePod } from '../../../lib/observe/pod.ts'
import { container, context, pod } from './objects.ts'

const unpacking = 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/apache/airflow:2.6.2": '
const statParent = 'failed to stat parent: stat /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/112/fs: no such file or directory'

const means = (t: Pick<Test, 'equal'>, meaning: Meaning, texts: readonly string[]): void => {
  for (const text of texts) t.equal(meaningOf(text, 'ErrImagePull'), meaning, text.slice(-60))
}

void t.test('what a runtime\'s own store does not find between two clean-ups is no answer of a registry', (t) => {
  means(t, 'passing', [
    `${unpacking}failed to extract layer sha256:c1: failed to commit snapshot extract-817-abc sha256:dd: failed to stat active key during commit: snapshot extract-817-abc sha256:dd does not exist: not found`,
    `${unpacking}failed to commit snapshot extract-817-abc sha256:dd: snapshot extract-817-abc sha256:dd does not exist: not found`,
    `${unpacking}failed to extract layer sha256:c1: mount callback failed on /var/lib/containerd/tmpmounts/containerd-mount1: snapshot extract-817-abc does not exist: not found`,
    `${unpacking}failed to extract layer sha256:c1: failed to get stream processor for application/x: lease "123" does not exist: not found`,
    // dockershim, where somebody pruned under the pull
    'rpc error: code = Unknown desc = layer does not exist',
  ])
  means(t, 'absent', ['rpc error: code = Unknown desc = Error response from daemon: pull access denied for me/snapshot, repository does not exist or may require \'docker login\''])
  t.end()
})

void t.test('a store that has lost what it believes to have does not find it at the next try', (t) => {
  means(t, 'lost part', [
    // containerd#3369
    `rpc error: code = Unknown desc = failed to pull and unpack image "x": failed to unpack image on snapshotter overlayfs: failed to prepare extraction snapshot "extract-814557379-Dsfj sha256:c6d5": ${statParent}`,
    // CRI-O, after a power cut
    'copying system image from manifest list: reading image "ab": locating item named "manifest" for image with ID "ab" (consider removing the image to resolve the issue): file does not exist',
  ])
  // rke2#4961
  const creating = pod({ status: { phase: 'Pending', containerStatuses: [container({ state: { waiting: { reason: 'CreateContainerError', message: `failed to create containerd container: ${statParent}` } } })] } })
  t.match(observePod(creating, context()), { state: 'failed', finding: { id: 'container-config-error', title: 'The copy of image apache/airflow:2.6.2 on node home has lost a part', fix: [/^sudo crictl rmi/] } })
  t.end()
})

void t.test('a manifest that the registry does not have is an answer, though the rest of the pull was under way', (t) => {
  const open = 'rpc error: code = NotFound desc = failed to pull and unpack image "ghcr.io/me/airflow:1": failed to copy: httpReadSeeker: failed open: '
  means(t, 'absent', [`${open}content at https://ghcr.io/v2/me/airflow/manifests/sha256:30aad087c940d91b57812bb44957de11ca3fdaed52c605b08ab5ab16d6b3334b not found: not found`])
  means(t, 'passing', [`${open}unexpected status code https://ghcr.io/v2/me/airflow/blobs/sha256:30aa: 502 Bad Gateway`, `${open}content at https://mirror.home/v2/me/airflow/blobs/sha256:30aa not found: not found`])
  t.end()
})
