import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { eventually, freePort } from '#testing';
import { CannotListen, listen } from './listen';

test('a port in use is told in one sentence', async () => {
  const first = await listen(() => {}, { host: '127.0.0.1', port: 0 });
  const port = Number(new URL(first.url).port);
  await expect(listen(() => {}, { host: '127.0.0.1', port })).rejects.toEqual(
    new CannotListen(`Port ${port} of 127.0.0.1 is in use: another program listens there. Stop it, or set PORT to another one.`),
  );
  await first.close(0);
});

test('an address of another machine is told in one sentence', async () => {
  await expect(listen(() => {}, { host: '192.0.2.1', port: await freePort() })).rejects.toThrow(
    '192.0.2.1 is not an address of this machine; set HOST to one that is.',
  );
});

test('closing lets a request that is under way end, and takes no new one', async () => {
  let answer = () => {};
  const server = await listen((_, response) => void (answer = () => response.end('done')), { host: '127.0.0.1', port: 0 });
  const underWay = fetch(server.url);
  await eventually(() => answer.toString().includes('done'));

  const closed = server.close(10_000);
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  answer();
  const response = await underWay;
  expect(await response.text()).toBe('done');
  expect(response.headers.get('connection')).toBe('close');
  await closed;
});

test('closing cuts off at once what has not arrived whole, and lets what has end', async () => {
  const answers: (() => void)[] = [];
  const server = await listen((request, response) => request.resume().on('end', () => answers.push(() => response.end('done'))), {
    host: '127.0.0.1',
    port: 0,
  });
  const send = async (text: string): Promise<{ got: () => string; ended: Promise<void> }> => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let got = '';
    socket.on('data', (data: Buffer) => (got += data.toString()));
    socket.on('error', () => {});
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
    return { got: () => got, ended };
  };
  const whole = await send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab');
  await eventually(() => answers.length === 1);
  const slow = await Promise.all([
    send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nab'),
    send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab'),
    send('POST / HTTP/1.1\r\nHost: a\r\n'),
    send(''),
  ]);
  const closed = server.close(3_600_000);
  await Promise.all(slow.map(({ ended }) => ended));
  expect(slow.map(({ got }) => got())).toEqual(['', '', '', '']);

  answers[0]?.();
  await whole.ended;
  expect(whole.got()).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*done/);
  await closed;
});

test('closing does not wait for a connection that is kept alive and idle', async () => {
  const server = await listen((_, response) => response.end('done'), { host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true });
  await new Promise<void>((resolve) => get(server.url, { agent }, (response) => response.resume().once('end', resolve)));
  await server.close(3_600_000);
  agent.destroy();
});

test('what has not ended in time is cut off', async () => {
  const server = await listen(() => {}, { host: '127.0.0.1', port: 0 });
  const hanging = fetch(server.url);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\n');
  await server.close(100);
  await expect(hanging).rejects.toThrow('fetch failed');
});
