import { type PageQuery, SharedPages } from './shared-pages';

const query: PageQuery = { directoryId: 'a', after: 0, upTo: 50, limit: 50, types: null };

function counted(fails: () => boolean = () => false): { pages: SharedPages; reads: PageQuery[] } {
  const reads: PageQuery[] = [];
  const pages = new SharedPages(async (asked) => {
    reads.push(asked);
    if (fails()) throw new Error('the database is away');
    return [];
  });
  return { pages, reads };
}

test('lanes that ask for the same stretch share one read of it, and no other', async () => {
  const { pages, reads } = counted();
  const others: PageQuery[] = [
    { ...query, directoryId: 'b' }, { ...query, after: 1 }, { ...query, upTo: 51 }, { ...query, limit: 1 }, { ...query, types: [] }, { ...query, types: ['user.created'] }, { ...query, types: ['user.created', 'user.deleted'] },
  ];
  await Promise.all([query, ...others, ...others, query].map((asked) => pages.read(asked)));
  expect(reads).toEqual([query, ...others]);
});

test('a read that failed is not shared with who asks later', async () => {
  let away = true;
  const { pages, reads } = counted(() => away);
  await expect(pages.read(query)).rejects.toThrow('away');
  away = false;
  expect(await pages.read(query)).toEqual([]);
  expect(reads).toHaveLength(2);
});

test('no more pages are kept than a worker has room for', async () => {
  const { pages, reads } = counted();
  for (let after = 0; after < 200; after += 1) await pages.read({ ...query, after });
  await pages.read({ ...query, after: 0 });
  await pages.read({ ...query, after: 199 });
  expect(reads).toHaveLength(201);
});
