import { AddressRule } from './addresses';

const rule = new AddressRule([]);

test.each(['93.184.216.34', '8.8.8.8', '1.1.1.1', '2606:4700:4700::1111', '2a00:1450:4001:800::200e'])('%s is public', (address) => {
  expect(rule.verdict(address)).toBe('public');
});

test.each([
  '0.0.0.0',
  '0.255.255.255',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.0.1',
  '169.254.169.254',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.0.170',
  '192.0.2.1',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.99.1',
  '192.168.0.1',
  '192.175.48.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:0:7f00:1',
  '64:ff9b::1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '64:ff9b:1:ffff::1',
  '100::1',
  '2001::1',
  '2001:0:7f00:1::',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '2001:db8::1',
  '2002::1',
  '2002:7f00:1::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'feff::1',
  'ff02::1',
  '4000::1',
  '0177.0.0.1',
  '0x7f.1',
  '2130706433',
  '127.1',
  'localhost',
  '',
  '1.2.3.4.5',
  '1.2.3.4 ',
])('%j is forbidden', (address) => {
  expect(rule.verdict(address)).toBe('forbidden');
});

test("the operator's ranges are exceptions, and no more than that", () => {
  const allowing = new AddressRule(['10.1.0.0/16', 'fd00::/8']);
  expect(allowing.verdict('10.1.2.3')).toBe('allowed');
  expect(allowing.verdict('::ffff:10.1.2.3')).toBe('allowed'); // the same address
  expect(allowing.verdict('10.2.0.1')).toBe('forbidden');
  expect(allowing.verdict('fd00::1')).toBe('allowed');
  expect(allowing.verdict('fe80::1')).toBe('forbidden');
  expect(allowing.verdict('8.8.8.8')).toBe('public');
});
