import { bounds } from '#bounds';
import { invalidValue, type ScimError } from './errors';
import { shown } from './notes';
import type { Json, Resource, ResourceType } from './resource';

/**
 * Refuses a resource that has become too large. What only takes away is never refused, nor is a change of `active`; and of what is
 * too large already, from before there were bounds, an enlargement alone.
 *
 * @throws ScimError invalidValue that names the attribute.
 */
export function checkSize(type: ResourceType, after: Resource, before: Resource = {}): void {
  const size = bytesOf(after);
  if (size <= bounds.textBytes) return; // nothing in it can be larger than all of it
  const [texts, textsBefore] = [longTexts(after), longTexts(before)];
  for (const [name, found] of texts) {
    const known = textsBefore.get(name) ?? [];
    const enlarged = found.find((text, i) => text.bytes > (known[i]?.bytes ?? 0));
    if (enlarged) throw textTooLarge(name, enlarged);
  }
  if (size > bounds.resourceBytes && size > bytesOf(before)) throw resourceTooLarge(type, size, after);
}

/** As it is stored, but for `active`: "false" is longer than "true". */
function bytesOf({ active: _active, ...rest }: Resource): number {
  return Buffer.byteLength(JSON.stringify(rest));
}

interface LongText {
  bytes: number;
  atMost: number;
}

/** The texts that are too long, of each attribute the longest first. */
function longTexts(resource: Resource): Map<string, LongText[]> {
  const found = new Map<string, LongText[]>();
  const look = (value: Json, name: string, separator = '.'): void => {
    if (typeof value === 'string') {
      const atMost = name === 'photos.value' && /^data:/i.test(value) ? bounds.photoBytes : bounds.textBytes;
      const bytes = Buffer.byteLength(value);
      if (bytes > atMost) found.set(name, [...(found.get(name) ?? []), { bytes, atMost }]);
    } else if (Array.isArray(value)) {
      for (const element of value) look(element, name, separator);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) look(member, `${name}${separator}${key}`);
    }
  };
  // Of an extension, which is named by its URN, a colon goes before what is in it (RFC 7644 §3.10).
  for (const [name, value] of Object.entries(resource)) look(value, name, name.includes(':') ? ':' : '.');
  for (const texts of found.values()) texts.sort((a, b) => b.bytes - a.bytes);
  return found;
}

function textTooLarge(name: string, { bytes, atMost }: LongText): ScimError {
  const what = atMost === bounds.photoBytes ? 'a photo may have as data URI' : 'one value may have';
  return invalidValue(`${shown(name)} has ${bytes} bytes, and ${atMost} are the most that ${what}. Send less, or map nothing to it.`);
}

function resourceTooLarge(type: ResourceType, size: number, resource: Resource): ScimError {
  const [largest] = Object.entries(resource)
    .map(([name, value]) => ({ name, bytes: Buffer.byteLength(JSON.stringify(value)) }))
    .sort((a, b) => b.bytes - a.bytes);
  const whose = largest ? `${shown(largest.name)} alone has ${largest.bytes} of them.` : '';
  const what = type === 'User' ? 'user' : 'group without its members';
  return invalidValue(
    `The ${what} would have ${size} bytes, and ${bounds.resourceBytes} are the most. ${whose} Map fewer attributes or values.`,
  );
}
