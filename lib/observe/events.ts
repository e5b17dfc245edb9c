/**
 * The events about an object, oldest first.
 *
 * They are found by uid: a claim made again under its old name must not inherit what was said of
 * the one before. Type is not looked at: `FailedBinding`, the reason most installs end for, is Normal.
 *
 *   involvedObject: {kind: PersistentVolumeClaim, name: data-airflow-postgresql-0, uid: 0b5f…}
 *   reason: FailedBinding, type: Normal, count: 23, lastTimestamp: "2023-08-02T10:15:04Z"
 *   message: no persistent volumes available for this claim and no storage class is set
 *
 * After ten of one reason within ten minutes the kubelet writes one for all, with the newest text behind a prefix:
 *   (combined from similar events): Failed to pull image "apache/airflow:2.6.2": rpc error: code = Unknown desc = …
 */
import type { Event } from 'kubernetes-types/core/v1.js'
import type { KubernetesObject } from '../access.ts'

type Events = readonly KubernetesObject[]

const combined = '(combined from similar events): '

// One pass over the events for a whole look: with thousands of pods a search per pod took seconds.
const indexes = new WeakMap<Events, Map<string, Event[]>>()

export function eventsAbout(object: KubernetesObject, events: Events): Event[] {
  const { kind, metadata } = object
  const index = indexes.get(events) ?? indexed(events)
  return index.get(metadata.uid ?? '') ?? index.get(key(kind, metadata.namespace, metadata.name)) ?? []
}

function indexed(events: Events): Map<string, Event[]> {
  const index = new Map<string, Event[]>()
  const sorted = events.map((event) => plain(event as unknown as Event)).sort((a, b) => timeOf(a) - timeOf(b))
  for (const event of sorted) {
    const { uid, kind, namespace, name } = event.involvedObject
    // Some controllers leave the uid out; only then is the name good enough.
    const place = uid === undefined || uid === '' ? key(kind, namespace, name) : uid
    const there = index.get(place)
    if (there) there.push(event)
    else index.set(place, [event])
  }
  indexes.set(events, index)
  return index
}

function plain(event: Event): Event {
  const { message = '' } = event
  return message.startsWith(combined) ? { ...event, message: message.slice(combined.length) } : event
}

function key(kind = '', namespace = '', name = ''): string {
  return `${kind} ${namespace}/${name}`
}

/** Events from the newer API carry only eventTime or a series. */
export function timeOf(event: Event): number {
  const time = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp
  return time == null ? 0 : Date.parse(time)
}

/** When it was said first in these words, in ms since 1970; undefined where nothing tells. */
export function firstTimeOf({ firstTimestamp, eventTime, metadata }: Event): number | undefined {
  const time = firstTimestamp ?? eventTime ?? metadata.creationTimestamp
  return time == null ? undefined : Date.parse(time)
}

/** The newest event with one of these reasons. */
export function latest(events: readonly Event[], ...reasons: string[]): Event | undefined {
  return events.findLast((event) => reasons.includes(event.reason ?? ''))
}

export function timesOf({ series, count }: Event): number {
  return series?.count ?? count ?? 1
}

/** `FailedMount (7 times): MountVolume.SetUp failed …` */
export function describeEvent(event: Event): string {
  const count = timesOf(event)
  const times = count > 1 ? ` (${count} times)` : ''
  return `${event.reason ?? 'Event'}${times}: ${event.message?.trim() ?? ''}`
}
