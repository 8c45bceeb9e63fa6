/**
 * What the tests stand on: a PostgreSQL database for each test file, cloned from a migrated template; a Redis; built
 * processes to start and kill; an identity provider that replays recordings; a vendor that receives webhooks.
 *
 * Real parts, no mocks. Nothing that ships may import it.
 */
export {
  type Backup,
  createEmptyDatabase,
  createTestDatabase,
  redisUrl,
  takeBackup,
  testDatabase,
  type TestDatabase,
} from './test-database';
export { aMailServer, type MailServer } from './mail-server';
export { freePort, startRedis, type RunningRedis } from './redis-server';
export { callsOf, countCalls } from './calls';
export { entering, inspectable } from './entered-files';
export { clocksCanBeWrong, wrongClock } from './wrong-clock';
export { eventually } from './eventually';
export { aPostgresProxy, type PostgresProxy } from './postgres-proxy';
export { resetConnection } from './reset';
export { identityProvider, type IdentityProvider, type ScimAnswer, type ScimRequest } from './idp';
export { projectFolder, startProcess, type Ending, type ProcessOptions, type RunningProcess } from './processes';
export { startVendor, verified, type Answer, type Received, type Vendor } from './vendor';
export { statementsOf } from './statements';
export { aDirectory, anEnvironment, anOrganization } from './builders';
export { recordings, replay, type Recording, type Stage } from './recordings';
