import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { makePullSecret } from '../../../lib/observe/pull-secret.ts'

void t.test('a login is made for the registry of the image, from a file that has the password', (t) => {
  const login = (image: string) => makePullSecret('airflow', 'registry-login', image)
  t.match(login('registry.home:5000/me/airflow:1'), /^test -s FILE && printf .* registry\.home:5000 .* \| kubectl -n airflow create secret generic registry-login --type=kubernetes\.io\/dockerconfigjson --from-file=\.dockerconfigjson=\/dev\/stdin #/)
  t.match(login('localhost/me/airflow:1'), '\' localhost "$(')
  for (const image of ['me/airflow:1', 'docker.io/me/airflow:1', 'redis:7', 'redis']) t.match(login(image), '\' https://index.docker.io/v1/ "$(', image)
  t.end()
})

void t.test('what kubectl is given is a login as Docker writes it, and no argument has the password', (t) => {
  const folder = t.testdir({ bin: {} })
  writeFileSync(join(folder, 'FILE'), 'it\'s "secret"')
  writeFileSync(join(folder, 'bin', 'kubectl'), '#!/bin/sh\necho "$@" >arguments\ncat\n', { mode: 0o755 })
  const given = execFileSync('bash', ['-c', `${makePullSecret('airflow', 'registry-login', 'registry.home:5000/me/airflow:1')}\necho >>arguments`], { cwd: folder, env: { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}` }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  const { auths } = JSON.parse(given) as { auths: Record<string, { auth: string }> }
  t.same(Object.keys(auths), ['registry.home:5000'])
  t.equal(Buffer.from(auths['registry.home:5000']?.auth ?? '', 'base64').toString(), 'USER:it\'s "secret"')
  t.notMatch(execFileSync('cat', [join(folder, 'arguments')], { encoding: 'utf8' }), 'secret"')
  t.end()
})
