import type { DirectoryStretch, LoggedEvent } from '#directory';
import { SharedPages } from './shared-pages';

const query: DirectoryStretch = { directoryId: 'a', after: 0, upTo: 50, limit: 50, types: null };

function counted(fails: () => boolean = () => false): { pages: SharedPages; reads: DirectoryStretch[] } {
  const reads: DirectoryStretch[] = [];
  const pages = new SharedPages(
    async (asked) => {
      reads.push(...asked);
      if (fails()) throw new Error('the database is away');
      return asked.map(() => ({ rows: [], isCut: false }));
    },
    { atMost: 128, forMs: 1_000 },
  );
  return { pages, reads };
}

test('lanes that ask for the same stretch share one read of it, and no other', async () => {
  const { pages, reads } = counted();
  const others: DirectoryStretch[] = [
    { ...query, directoryId: 'b' },
    { ...query, after: 1 },
    { ...query, upTo: 51 },
    { ...query, limit: 1 },
    { ...query, types: [] },
    { ...query, types: ['user.created'] },
    { ...query, types: ['user.created', 'user.deleted'] },
  ];
  await Promise.all([query, ...others, ...others, query].map((asked) => pages.read(asked)));
  expect(reads).toEqual([query, ...others]);
});

test('different pages that are asked for at the same time are read by one statement, and each asker gets its own', async () => {
  const statements: number[] = [];
  const pages = new SharedPages(
    async (asked) => {
      statements.push(asked.length);
      return asked.map(({ after }) => ({ rows: [{ sequence: after + 1 } as LoggedEvent], isCut: false }));
    },
    { atMost: 128, forMs: 1_000 },
  );
  const read = await Promise.all([7, 3, 5].map((after) => pages.read({ ...query, after })));
  expect(read.map(({ rows: [event] }) => event?.sequence)).toEqual([8, 4, 6]);
  expect(statements).toEqual([3]);
});

test('a read that failed is not shared with who asks later', async () => {
  let away = true;
  const { pages, reads } = counted(() => away);
  await expect(pages.read(query)).rejects.toThrow('away');
  away = false;
  expect(await pages.read(query)).toEqual({ rows: [], isCut: false });
  expect(reads).toHaveLength(2);
});

test('no more pages are kept than a worker has room for', async () => {
  const { pages, reads } = counted();
  for (let after = 0; after < 200; after += 1) await pages.read({ ...query, after });
  await pages.read({ ...query, after: 0 });
  await pages.read({ ...query, after: 199 });
  expect(reads).toHaveLength(201);
});
