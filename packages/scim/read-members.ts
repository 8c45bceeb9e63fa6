import { invalidValue } from './errors';
import { shown } from './notes';
import type { Notes } from './notes';
import { checkNamedOnce, isUnassigned, readText } from './read-value';
import { isObject, resourceTypeNames } from './resource';
import type { MemberReference } from './resource';
import { jsonFromText } from './tolerances';

/** The members that a value names, each once (tolerances.bare_member). Throws ScimError invalidValue. */
export function readMembers(sent: unknown, name: string, notes: Notes): MemberReference[] {
  const value = typeof sent === 'string' ? jsonFromText(sent, name, notes) : sent;
  if (isUnassigned(value)) return [];
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const members = new Map<string, MemberReference>();
  elements.forEach((element, index) => {
    if (isUnassigned(element)) return;
    const member = readMember(element, index, name, notes);
    members.set(member.value, member);
  });
  return [...members.values()];
}

function readMember(element: unknown, index: number, name: string, notes: Notes): MemberReference {
  if (typeof element === 'string') {
    notes.add('read members that are ids alone');
    return { value: readText(element, `${name}[${index}]`) };
  }
  if (!isObject(element)) throw invalidValue(`${shown(name)}[${index}] must be an object with the member’s id as "value".`);
  checkNamedOnce(element, `${name}[${index}]`);
  let value: unknown;
  let type: unknown;
  let display: unknown;
  for (const [key, member] of Object.entries(element)) {
    const lower = key.toLowerCase();
    if (lower === 'value') value = member;
    else if (lower === 'type') type = member;
    else if (lower === 'display') display = member;
    else if (lower !== '$ref') notes.add(`ignored unknown attribute ${shown(name)}.${shown(key)}`);
  }
  if (typeof value !== 'string' || value === '')
    throw invalidValue(`${shown(name)}[${index}] has no "value": it must be the member’s id, as a string.`);
  const memberType = typeof type === 'string' ? resourceTypeNames.find((known) => known.toLowerCase() === type.toLowerCase()) : undefined;
  return {
    value: readText(value, `${name}[${index}].value`),
    ...(memberType && { type: memberType }),
    ...(typeof display === 'string' && display !== '' && { display: readText(display, `${name}[${index}].display`) }),
  };
}
