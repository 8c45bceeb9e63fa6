/** How deep a body may be nested. A group's members, a bulk operation's data: nothing in SCIM is deeper than a dozen. */
export const deepestBody = 64;

/** Whether a JSON text is nested deeper than `deepest`, without parsing it: what works through a value recursively must never meet one. */
export function isDeeperThan(text: string, deepest: number): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        inString = !inString;
        break;
      case 0x5c: // \ escapes the next character, which matters only inside a string; outside it is not JSON anyway
        i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (!inString && ++depth > deepest) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (!inString) depth--;
        break;
    }
  }
  return false;
}
