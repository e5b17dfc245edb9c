import type { Keeper, Marker, Plan } from '../schedule/plan.ts'
import type { Look } from '../schedule/look.ts'

/** What keeps the time: systemd or cron, each with a place where its entries lie. */
export interface Timekeeper {
  keeper: Keeper
  /** What of ours is there; what is in our place and not ours is refused. */
  found: () => Marker | undefined
  /** What would be written where. */
  preview: (plan: Plan) => Promise<Written[]>
  /** What was written or set; nothing where all was so already. */
  install: (plan: Plan) => Promise<string[]>
  /** What was taken away. */
  remove: () => Promise<string[]>
  look: (marker: Marker) => Promise<Look>
}

export interface Written {
  path: string
  text: string
}
