import ipaddr from 'ipaddr.js';

/** Where attempts are counted together: an address, and of IPv6 its /64, all of which is one customer's of a network. */
export function addressBlock(ip: string | undefined): string {
  if (ip === undefined || !ipaddr.isValid(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv6)
    return address.parts
      .slice(0, 4)
      .map((part) => part.toString(16))
      .join(':');
  return address.toString();
}
