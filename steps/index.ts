import type { Config } from '../lib/config/schema.ts'
import type { Step } from '../lib/step.ts'
import { prereq } from './01-prereq.ts'
import { provisioner } from './02-provisioner.ts'
import { storage } from './03-storage.ts'
import { helm } from './04-helm.ts'
import { ingress } from './05-ingress.ts'
import { executor } from './06-executor.ts'

export const steps: readonly Step<Config>[] = [prereq, provisioner, storage, helm, ingress, executor]
