/** A Secret with the login to an image's registry. `docker login` would need a Docker here, and kubectl's own way would have the password among its arguments. */
export function makePullSecret(namespace: string, name: string, image: string): string {
  const login = `printf '{"auths":{"%s":{"auth":"%s"}}}' ${serverOf(image)} "$(printf 'USER:%s' "$(cat FILE)" | base64 | tr -d '\\n')"`
  return `test -s FILE && ${login} | kubectl -n ${namespace} create secret generic ${name} --type=kubernetes.io/dockerconfigjson --from-file=.dockerconfigjson=/dev/stdin # FILE has the password`
}

/** As a runtime reads a name: `apache/airflow:2.6.2` has no registry and is Docker Hub's, whose logins go by an old address. */
export function serverOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost && !['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(first) ? first : 'https://index.docker.io/v1/'
}
