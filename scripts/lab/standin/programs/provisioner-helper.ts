import { posix } from 'node:path'
import { parse } from 'yaml'
import { sleep } from './ends.ts'
import { api, ApiError, ownNamespace } from './kube.ts'

interface Container { volumeMounts?: object[]; [field: string]: unknown }
interface Pod { metadata: { name: string; namespace?: string }; spec: { containers: Container[]; volumes?: object[]; tolerations?: object[]; [field: string]: unknown } }

export interface Folder {
  name: string
  path: string
  node: string
  size: string
  mode: string
}

// Right after boot a first pod can take more than ten seconds. Whoever gives up early binds a volume
// whose folder is then made by the kubelet, owned by root, and nothing can write into it.
const PATIENCE_S = 120
const CONFIG_MAP = 'local-path-config'

/** Makes or removes a folder on a node, by a pod there that runs the script of the configuration. */
export async function runHelper(action: 'create' | 'delete', folder: Folder): Promise<void> {
  const namespace = ownNamespace()
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const pod = await helperPod(action, folder, namespace)
  try {
    await api('POST', pods, { apiVersion: 'v1', kind: 'Pod', ...pod }).catch((error: unknown) => {
      // Left by a run that was ended in between: its result is as good.
      if (!(error instanceof ApiError && error.status === 409)) throw error
    })
    await succeeded(`${pods}/${pod.metadata.name}`)
  } catch (error) {
    throw new Error(`failed to ${action} volume ${folder.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    await api('DELETE', `${pods}/${pod.metadata.name}`).catch(() => undefined)
  }
}

async function succeeded(path: string): Promise<void> {
  for (let second = 0; second < PATIENCE_S; second += 1) {
    const { status } = (await api('GET', path)) as { status?: { phase?: string } }
    if (status?.phase === 'Succeeded') return
    await sleep(1000)
  }
  throw new Error(`create process timeout after ${PATIENCE_S} seconds`)
}

async function helperPod(action: 'create' | 'delete', folder: Folder, namespace: string): Promise<Pod> {
  const map = (await api('GET', `/api/v1/namespaces/${namespace}/configmaps/${CONFIG_MAP}`)) as { data: Record<string, string> }
  const pod = parse(map.data['helperPod.yaml'] ?? '') as Pod
  const [container] = pod.spec.containers
  if (container === undefined) throw new Error('helperPod.yaml has no container')
  const parent = posix.dirname(folder.path)
  pod.metadata = { ...pod.metadata, name: `${pod.metadata.name}-${action}-${folder.name}`.slice(0, 128), namespace }
  Object.assign(container, {
    command: ['/bin/sh', action === 'create' ? '/script/setup' : '/script/teardown'],
    args: ['-p', folder.path, '-s', folder.size, '-m', folder.mode],
    env: [{ name: 'VOL_DIR', value: folder.path }, { name: 'VOL_MODE', value: folder.mode }, { name: 'VOL_SIZE_BYTES', value: folder.size }],
    securityContext: { privileged: true },
    volumeMounts: [...(container.volumeMounts ?? []), { name: 'script', mountPath: '/script' }, { name: 'data', mountPath: parent }],
  })
  Object.assign(pod.spec, {
    nodeName: folder.node,
    restartPolicy: 'Never',
    serviceAccountName: 'local-path-provisioner-service-account',
    tolerations: [...(pod.spec.tolerations ?? []), { operator: 'Exists' }],
    volumes: [
      ...(pod.spec.volumes ?? []),
      { name: 'script', configMap: { name: CONFIG_MAP, items: ['setup', 'teardown'].map(key => ({ key, path: key })) } },
      { name: 'data', hostPath: { path: parent, type: 'DirectoryOrCreate' } },
    ],
  })
  return pod
}
