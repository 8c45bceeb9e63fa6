/**
 * What a process needs to start: its settings, its log, its database and schema, its queue, its port, and how it ends.
 *
 * It knows no business, and must import nothing of ours but `postgres`, the ground of whoever speaks to a database: whatever stands
 * here can be understood, and changed, without knowing what Causeway does.
 */
export {
  ConfigError,
  loadConfig,
  loadDatabaseConfig,
  loadStandaloneConfig,
  standaloneUnset,
  variables,
  type Config,
  type LogLevel,
  type StandaloneConfig,
} from './config';
export {
  startEmbeddedPostgres,
  ensureDatabase,
  releaseCluster,
  runningPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded-postgres';
export { type DatabaseNotices, DatabaseWatch, watchDatabase } from './database-watch';
export { CannotListen, headBytesAtMost, listen, type Listening, type WireRefusal } from './listen';
export { createLog, withoutOwnSecrets, withoutSecrets, type Logger } from './log';
export { migrate, MigrationUnderWay, schemaState, type MigrateOptions, type SchemaState } from './migrate';
export { OutageLog } from './outage-log';
export {
  databaseTime,
  dropPartitionsOlderThan,
  type DroppedPartition,
  ensurePartitions,
  ensurePartitionsWith,
  type PartitionedTable,
} from './partitions';
export { checkDatabase, clientConfig, createPool, DatabaseUnusable, type PoolOptions } from './postgres';
export { queueBackend, type JobQueue, type JobWorker, type QueueBackend } from './queue-backend';
export { analyzeGrown } from './young-tables';
export { stopOnSignals, type Stopping } from './stop';
