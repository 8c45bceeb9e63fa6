import { types } from 'node:util';

/** Whether a statement was refused because the database takes no writes: it is a standby, or has been made read-only. */
export function isReadOnly(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === '25006'; // read_only_sql_transaction
}

/** Waits for a note that goes with reading. Where the database takes no writes it is left out: whoever reads must not be refused for it. */
export async function noteWhereWritable(note: Promise<unknown>): Promise<void> {
  try {
    await note;
  } catch (error) {
    if (!isReadOnly(error)) throw error;
  }
}
