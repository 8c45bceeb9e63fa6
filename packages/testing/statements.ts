import pg from 'pg';

// Asked every second or two, and of each new connection, whoever works meanwhile.
const notOfTheWork = ['look_at_database', 'look_whether_set_back', 'time_of_set_back_watch'];

/** The statements that this process gave any PostgreSQL while `work` ran: by their names, where they are prepared, or their texts. */
export async function statementsOf(work: () => unknown): Promise<string[]> {
  const submit = jest.spyOn(pg.Query.prototype as unknown as { submit: (this: Asked) => unknown }, 'submit');
  try {
    await work();
    return submit.mock.contexts.map(({ name, text }) => name ?? text).filter((statement) => !notOfTheWork.includes(statement));
  } finally {
    submit.mockRestore();
  }
}

interface Asked {
  name?: string;
  text: string;
}
