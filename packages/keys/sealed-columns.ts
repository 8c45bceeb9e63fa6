/** A column whose values are sealed by a Keyring. */
export interface SealedColumn {
  table: string;
  column: string;
  /** The columns of its primary key. */
  key: string[];
  /** What the values of a row are sealed for, by the values of its key. It must be what the owner of the table gives to the keyring. */
  context: (...key: string[]) => string;
}

/** All that ENCRYPTION_KEY seals in the database. A column that is missing here does not outlive a change of the key. */
export const sealedColumns: SealedColumn[] = [
  { table: 'installation_keys', column: 'sealed', key: ['name'], context: (name) => `installation_key:${name}` },
  { table: 'webhook_secrets', column: 'secret', key: ['id'], context: (id) => `webhook_secret:${id}` },
  { table: 'webhook_secrets', column: 'private_key', key: ['id'], context: (id) => `webhook_private_key:${id}` },
  { table: 'webhook_endpoints', column: 'headers', key: ['id'], context: (id) => `webhook_headers:${id}` },
  {
    table: 'idempotency_keys',
    column: 'response',
    key: ['environment_id', 'key'],
    context: (environmentId, key) => `idempotent_answer:${environmentId}:${key}`,
  },
  { table: 'unshown_secrets', column: 'sealed', key: ['kind'], context: (kind) => `unshown_secret:${kind}` },
];
