import type { Pool } from 'pg';
import { eraseAttempts } from '#delivery';
import { type DirectoryPool, eraseDue, remapUsers } from '#directory';

/** Maps users anew wherever a mapping was saved. Its batches take the directories' locks in turn with their identity providers. */
export async function remap(pool: DirectoryPool, stop: AbortSignal): Promise<void> {
  await remapUsers(pool, stop);
}

/** Forgets the people who are to be forgotten. */
export async function erase(pool: Pool, stop: AbortSignal): Promise<void> {
  await eraseDue(pool, (about) => eraseAttempts(pool, about), stop);
}
