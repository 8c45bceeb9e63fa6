/** The variables through which jest's global setup tells test files where the servers are. */
export const handover = { postgres: 'CAUSEWAY_TEST_POSTGRES', redis: 'CAUSEWAY_TEST_REDIS' } as const;

/** The migrated database that those of the tests are copies of. Nobody may be connected to it while one is made. */
export const templateDatabase = 'causeway_template';
