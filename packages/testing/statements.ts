import pg from 'pg';

// Asked every two seconds, whoever works meanwhile.
const notOfTheWork = 'look_at_database';

/** The statements that this process gave any PostgreSQL while `work` ran: by their names, where they are prepared, or their texts. */
export async function statementsOf(work: () => unknown): Promise<string[]> {
  const submit = jest.spyOn(pg.Query.prototype as unknown as { submit: (this: Asked) => unknown }, 'submit');
  try {
    await work();
    return submit.mock.contexts.map(({ name, text }) => name ?? text).filter((statement) => statement !== notOfTheWork);
  } finally {
    submit.mockRestore();
  }
}

interface Asked {
  name?: string;
  text: string;
}
