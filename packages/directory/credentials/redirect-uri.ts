const longest = 2_000;

/**
 * What is wrong with an address that authorization codes are to be sent to, as the end of a sentence about it; `undefined`: nothing.
 * It is compared to the letter afterwards, so what two spellings could stand for, or two readers could read differently, is refused
 * here (RFC 6749 §3.1.2, RFC 9700 §2.1): https, or http to this very machine; no user name, no fragment, no backslash, and nothing but
 * the characters of a URI (RFC 3986 §2).
 */
export function faultOfRedirectUri(text: string): string | undefined {
  if (text.length > longest) return `must have ${longest} characters at most`;
  if (/[{}]/.test(text)) return "has a part in braces: put the app's own name in its place, as Okta shows it in the address of the app";
  if (text.includes('\\')) return 'must not have a backslash in it';
  if (!/^[\x21-\x7e]+$/.test(text) || /["<>^`|]/.test(text) || !URL.canParse(text))
    return 'must be a whole address, such as https://system-admin.okta.com/admin/app/cpc/…/oauth/callback';
  const url = new URL(text);
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const [, authority = ''] = /^https?:\/\/([^/?#]+)/i.exec(text) ?? [];
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) return 'must begin with https://';
  if (authority === '') return 'must begin with https://';
  if (authority.includes('@')) return 'must not have a user name in it';
  if (text.includes('#')) return 'must not have a fragment (#…)';
  return undefined;
}
