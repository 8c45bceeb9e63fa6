import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { eventually, freePort, projectFolder, startProcess } from '#testing';

test("the README's first webhook comes when its commands are pasted as they stand there", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'causeway-readme-'));
  const [port, receiver] = [String(await freePort()), String(await freePort())];
  const causeway = await startProcess({
    command: ['npm', 'start'],
    env: { DATA_DIR: folder, PORT: port },
    ready: /^Causeway is ready\.$[\s\S]*curl[\s\S]*\n\n/m,
  });
  const [, key = ''] = /^ {2}API key {4}(cwk_[\w-]{32,})$/m.exec(causeway.stdout()) ?? [];

  const pasted = (await commands()).join('').replace('cwk_…', key).replaceAll('8080', port).replaceAll('9000', receiver);
  const terminal = await startProcess({ command: ['bash', '-c', pasted] });
  // The receiver ends each webhook with the end of the line; what curl prints before it does not.
  const webhooks = () =>
    terminal
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line.slice(line.lastIndexOf('{"id":"evt_'))) as { type: string }).type);
  await eventually(() => webhooks().length === 2, { withinMs: 30_000 });
  expect(webhooks()).toEqual(['directory.activated', 'user.created']);
  await eventually(() => /\{"data":\[.*"next_cursor":"[\w-]+","has_more":false\}/.test(terminal.stdout()));
  expect(terminal.stderr()).toBe('');

  await terminal.kill();
  await causeway.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What is between ```sh and ``` in that section. */
async function commands(): Promise<string[]> {
  const readme = await readFile(path.join(projectFolder, 'README.md'), 'utf8');
  const [, section = ''] = /^## The first webhook in five minutes\n(.*?)^## /ms.exec(readme) ?? [];
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}
