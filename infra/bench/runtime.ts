/** The project's own way to start a PostgreSQL and to migrate it, as built by `npm run build`. */
export * from '../../dist/packages/runtime/index.js';
