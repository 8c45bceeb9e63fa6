/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  roots: ['<rootDir>/apps', '<rootDir>/packages'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  moduleNameMapper: { '^#(\\w+)$': '<rootDir>/packages/$1/index.ts' },
  globalSetup: '<rootDir>/packages/testing/global-setup.ts',
  globalTeardown: '<rootDir>/packages/testing/global-teardown.ts',
  testTimeout: 60_000,
  // jest would leave one core free. Most of the time goes into waiting for servers and processes, which wait for one another.
  maxWorkers: '100%',
};

export default config;
