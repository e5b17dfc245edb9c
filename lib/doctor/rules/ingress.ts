/** The way in: Traefik, the route, the prefix and the certificate. */
import type { Explains, Rule } from '../rule.ts'

export const ingressRules: readonly Rule[] = []

export const ingressExplains: Explains = {}
