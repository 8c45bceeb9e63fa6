import { projectFolder, startProcess } from '#testing';

/** A process that uses stop.ts as a main.ts does. `body` is its program, after `stopping` is made. */
function program(body: string, options = '') {
  const source = `
    const { createLog, stopOnSignals } = require('./packages/runtime');
    const { setTimeout: delay } = require('node:timers/promises');
    const log = createLog('info', 'test');
    const stopping = stopOnSignals(log, {${options}});
    setInterval(() => {}, 1000);
    ${body}
    console.log('ready');`;
  return startProcess({ command: [process.execPath, '--require', 'tsx/cjs', '--eval', source], cwd: projectFolder, ready: /^ready$/m });
}

const printed = (stdout: string) => stdout.split('\n').filter((line) => line.startsWith('- '));

test('steps are done in the reverse order of their making, and the process ends with 0', async () => {
  const running = await program(`
    stopping.add('database', async () => { await delay(10); console.log('- database'); });
    stopping.add('broker', async () => { await delay(50); console.log('- broker'); });`);
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  expect(printed(running.stdout())).toEqual(['- broker', '- database']);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s twice, to the process and to its group, does everything once', async (signal) => {
  const running = await program(`stopping.add('broker', async () => { await delay(200); console.log('- broker'); });`);
  running.signal(signal);
  running.signalGroup(signal);
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(printed(running.stdout())).toEqual(['- broker']);
});

test('whoever waits is told as soon as stopping begins', async () => {
  const running = await program(`
    stopping.add('broker', () => delay(100).then(() => console.log('- broker')));
    stopping.signal.addEventListener('abort', () => console.log('- told'));`);
  await running.stop();
  expect(printed(running.stdout())).toEqual(['- told', '- broker']);
});

test('a step that fails keeps no other from being done', async () => {
  const running = await program(`
    stopping.add('database', () => console.log('- database'));
    stopping.add('broker', () => { throw new Error('broken'); });`);
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  expect(printed(running.stdout())).toEqual(['- database']);
  expect(running.log()).toContainEqual(expect.objectContaining({ level: 'error', step: 'broker', msg: 'failed to stop' }));
});

test('a step that does not end is left behind, with time kept free for the next', async () => {
  const running = await program(
    `stopping.add('database', async (withinMs) => { await delay(300); console.log('- database', withinMs >= 600_000); }, 600_000);
     stopping.add('broker', () => new Promise(() => {}));`,
    'withinMs: 600_600',
  );
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  expect(printed(running.stdout())).toEqual(['- database true']);
  expect(running.log()).toContainEqual(expect.objectContaining({ step: 'broker', msg: 'did not stop in time' }));
});

test('an error that nobody caught is logged, and the process stops in order with 1', async () => {
  const running = await program(`
    stopping.add('database', () => console.log('- database'));
    setTimeout(() => { throw new Error('surprise'); }, 100);`);
  expect(await running.ended).toEqual({ code: 1, signal: null });
  expect(printed(running.stdout())).toEqual(['- database']);
  expect(running.log()).toContainEqual(expect.objectContaining({ level: 'fatal', err: expect.objectContaining({ message: 'surprise' }) }));
});
