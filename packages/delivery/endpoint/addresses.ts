import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Which addresses a webhook may be sent to: public ones, and those that WEBHOOK_ALLOWED_CIDRS names.
 *
 * A vendor chooses the URL and we send from inside the operator's network, so whatever is not plainly public is forbidden: a
 * range that is forgotten here would be a way in.
 */
export class AddressRule {
  readonly #allowed: Range[];

  /** @param allowedCidrs in CIDR notation, each with its prefix length. */
  constructor(allowedCidrs: readonly string[]) {
    this.#allowed = allowedCidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  }

  /**
   * `allowed`: the operator says so; such an address may be spoken to without TLS. `public`, or `forbidden`, which is also the
   * verdict on anything that is not an address.
   */
  verdict(address: string): 'allowed' | 'public' | 'forbidden' {
    // A zone ("fe80::1%eth0") names an interface of this machine. isIP knows the canonical forms alone: "0177.0.0.1" is none.
    if (isIP(address) === 0 || address.includes('%')) return 'forbidden';
    // ::ffff:10.0.0.1 is 10.0.0.1 by another name.
    const parsed = ipaddr.process(address);
    if (this.#allowed.some((range) => within(parsed, range))) return 'allowed';
    if (ipaddr.parse(address).kind() !== parsed.kind()) return 'forbidden';
    return isPublic(parsed) ? 'public' : 'forbidden';
  }

  /** Whether the operator lets anything be reached that is not public; without, `http` has nowhere to go. */
  get allowsAny(): boolean {
    return this.#allowed.length > 0;
  }
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.kind() === 'ipv6' && !within(address, globalUnicast)) return false;
  return address.range() === 'unicast' && !forbidden.some((range) => within(address, range));
}

function within(address: ipaddr.IPv4 | ipaddr.IPv6, range: Range): boolean {
  return address.kind() === range[0].kind() && address.match(range);
}

const globalUnicast = ipaddr.parseCIDR('2000::/3');

// The union of what Svix and Smokescreen block and of the IANA special-purpose registries. ipaddr.js knows most of them; they
// stand here because what it calls "unicast" may change with its version.
const forbidden: Range[] = [
  '0.0.0.0/8', // this host
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local: the clouds' metadata services live here
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24', // documentation
  '192.31.196.0/24',
  '192.175.48.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '198.18.0.0/15', // benchmarking
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and 255.255.255.255
  '::/96', // unspecified, loopback, IPv4-compatible
  '::ffff:0:0/96',
  '::ffff:0:0:0/96', // IPv4-mapped, IPv4-translated
  '64:ff9b::/96',
  '64:ff9b:1::/48', // NAT64: an IPv4 address in disguise
  '100::/64', // discard
  '2001::/23', // IETF protocol assignments; Teredo is 2001::/32, benchmarking 2001:2::/48, ORCHID 2001:10::/28 and 2001:20::/28
  '2001:db8::/32',
  '3fff::/20', // documentation
  '2002::/16', // 6to4: an IPv4 address in disguise
  '2620:4f:8000::/48', // AS112
  '5f00::/16', // segment routing
  'fc00::/7', // unique local
  'fe80::/10', // link-local
  'fec0::/10', // site-local
  'ff00::/8', // multicast
].map((cidr) => ipaddr.parseCIDR(cidr));
