/** The variables through which jest's global setup tells test files where the servers are and what moves clocks, and without-servers.ts that there are none. */
export const handover = {
  postgres: 'CAUSEWAY_TEST_POSTGRES',
  redis: 'CAUSEWAY_TEST_REDIS',
  faketime: 'CAUSEWAY_TEST_FAKETIME',
  without: 'CAUSEWAY_TEST_WITHOUT_SERVERS',
} as const;

/** The migrated database that those of the tests are copies of. Nobody may be connected to it while one is made. */
export const templateDatabase = 'causeway_template';

/** The URL of a server of this run, if there is one. @throws in a file of the project `pure`, which must not ask. */
export function handedOver(server: 'postgres' | 'redis'): string | undefined {
  const without = process.env[handover.without];
  if (without)
    throw new Error(
      `${expect.getState().testPath ?? 'this file'} is one of the project "${without}" in jest.config.ts, which has no database: take it off the list there`,
    );
  return process.env[handover[server]];
}
