/** The metadata database, and what is known of a dump of it. Types only. */
import type { KubernetesObject } from './object.ts'

/** How a database is reached: from a pod that has PostgreSQL's clients, which knows the password by itself. */
export interface DatabasePlace {
  namespace: string
  release: string
  /** Its name on the server. */
  database: string
  pod: string
  container: string
  /** For a database outside the cluster: the pod, made for the occasion and taken away afterwards. */
  client?: KubernetesObject | undefined
}

/** What a dump is made of and why, told by who asks for it. */
export interface DumpWish {
  place: DatabasePlace
  /** The Airflow that the database is of. */
  airflow: string
  /** Name and version of the chart that runs. */
  chart: string
  /** UID of the namespace kube-system; undefined where it cannot be read. */
  cluster?: string | undefined
  why: string
}

/** What was seen of a database at one moment. */
export interface DatabaseFacts {
  /** PostgreSQL's version. */
  server: string
  /** Of its migrations; undefined where Airflow has made no table yet. */
  revision?: string | undefined
  /** What it takes on the server's disk. */
  bytes: number
  /** Of each table, by its name. */
  rows: Record<string, number>
}

/** A dump that was proven by restoring it. */
export interface Dump extends DatabaseFacts {
  file: string
  sha256: string
  /** Of the file. */
  size: number
  createdAt: string
  why: string
  cluster?: string | undefined
  namespace: string
  release: string
  database: string
  airflow: string
  chart: string
}
