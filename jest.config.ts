/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

/**
 * What needs no database: whole packages, and files of others. Everything else finds the PostgreSQL and the Redis of the run, which take
 * seconds to start. A file on the wrong side says so: when it asks for a database here, or in packages/testing/projects.test.ts.
 */
const pure = [
  'apps/broker/src/{asked-together,guards/places,scim/masked}',
  'apps/worker/src/loop',
  'packages/credential/**/*',
  'packages/identifier/**/*',
  'packages/mapping/**/*',
  'packages/scim/**/*',
  'packages/delivery/attempt/{post,retry-schedule}',
  'packages/delivery/endpoint/{addresses,endpoint-url,signature}',
  'packages/delivery/lanes/{decision,shared-pages}',
  'packages/directory/credentials/redirect-uri',
  'packages/directory/erasure/erased-person',
  'packages/directory/log/rewinds',
  'packages/directory/requests/explanation',
  'packages/directory/resource/profile',
  'packages/directory/writing/known-rules',
  'packages/runtime/{config,listen,log,stop}',
  'packages/testing/{boundaries,circles,elapsed-time,module-state,projects,prose,security-document,states-document}',
  'packages/testing/conformance/report',
  'packages/testing/faults/invariants',
].map((files) => `**/${files}.test.ts`);

const project = {
  roots: ['<rootDir>/apps', '<rootDir>/packages'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  moduleNameMapper: { '^#(\\w+)$': '<rootDir>/packages/$1/index.ts' },
} satisfies Config;

const config: Config = {
  projects: [
    { ...project, displayName: 'pure', testMatch: pure, setupFiles: ['<rootDir>/packages/testing/without-servers.ts'] },
    {
      ...project,
      displayName: 'database',
      testMatch: ['**/*.test.ts', ...pure.map((files) => `!${files}`)],
      globalSetup: '<rootDir>/packages/testing/global-setup.ts',
      globalTeardown: '<rootDir>/packages/testing/global-teardown.ts',
    },
  ],
  testTimeout: 60_000,
  // jest would leave one core free. Most of the time goes into waiting for servers and processes, which wait for one another.
  maxWorkers: '100%',
};

export default config;
