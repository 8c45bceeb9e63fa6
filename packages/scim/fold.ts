import { isJsonObject } from './resource';
import type { Json, JsonObject, ResourceType } from './resource';
import { undeclared, extensionOf, schemaUrnsOf } from './schemas';
import type { AttributeDefinition, Schema, SchemaSet } from './schemas';

/**
 * What filters and sorting compare: the resource with every name in lower case, strings of caseExact=false attributes
 * folded (foldCase; names of people by foldName) and dateTimes in one UTC form (foldInstant). It also has `schemas`, made from the extensions that hold
 * data, so that `schemas eq "urn:…"` can be answered from it; it lacks what is kept elsewhere: id, meta, groups, members.
 */
export function foldResource(resource: JsonObject, type: ResourceType, schemas: SchemaSet): JsonObject {
  const core = schemas.core[type];
  const folded: JsonObject = { schemas: schemaUrnsOf(resource, type, schemas).map(foldCase) };
  for (const [name, value] of Object.entries(resource)) {
    const key = name.toLowerCase();
    if (key === 'schemas') continue;
    const definition = core.attributesByName.get(key);
    if (definition) folded[key] = foldValue(value, definition);
    else if (isJsonObject(value)) folded[key] = foldMembers(value, extensionOf(schemas, type, key)?.attributesByName);
  }
  return folded;
}

function foldMembers(object: JsonObject, definitions: Schema['attributesByName'] | undefined): JsonObject {
  const folded: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const key = name.toLowerCase();
    folded[key] = foldValue(value, definitions?.get(key) ?? undeclared);
  }
  return folded;
}

/** A value as it is compared: of an attribute, of an element of it, or of a sub-attribute. */
export function foldValue(value: Json, definition: AttributeDefinition): Json {
  if (typeof value === 'string') return foldText(value, definition);
  if (Array.isArray(value)) return value.map((element) => foldValue(element, definition));
  if (isJsonObject(value)) return foldMembers(value, definition.subAttributesByName);
  return value;
}

export function foldText(text: string, definition: AttributeDefinition): string {
  if (definition.type === 'dateTime') return foldInstant(text) ?? text;
  if (definition.isName) return foldName(text);
  return definition.caseExact ? text : foldCase(text);
}

/**
 * The key under which userNames and e-mail addresses are compared and kept unique: RFC 8265's UsernameCaseMapped, without the blanks
 * around it (blanks alone are left). Full-width letters are plain ones and capitals small ones, but for no two letters that differ otherwise is one taken
 * for the other: fußball and fussball are two people, and so are οδός and οδόσ (§3.5, examples 3 to 7).
 */
export function foldName(text: string): string {
  if (/^[!-~]*$/.test(text)) return text.toLowerCase();
  const plain = (text.trim() || text).replace(/[\u3000\uff01-\uffee]/g, plainWidth);
  // One character after the other: JavaScript makes ς of a Σ at a word's end, and σ and ς are two.
  const small = Array.from(plain, (character) => character.toLowerCase()).join('');
  const folded = small.normalize('NFC');
  return folded.trim() || folded;
}

/** A full-width or half-width character as it is otherwise (Unicode Standard Annex #11), and no compatible one beyond that. */
function plainWidth(character: string): string {
  if (character === '\uffe3') return '\u00af';
  const place = halfWidthHangul.indexOf(character);
  return place === -1 ? character.normalize('NFKC') : String.fromCharCode(plainHangul + place);
}

// In the order of U+3131 and those that follow it; U+FFA0 stands for the filler, which comes last there.
const plainHangul = 0x3131;
const halfWidthHangul = [
  [0xffa1, 0xffbe],
  [0xffc2, 0xffc7],
  [0xffca, 0xffcf],
  [0xffd2, 0xffd7],
  [0xffda, 0xffdc],
  [0xffa0, 0xffa0],
]
  .flatMap(([from = 0, to = 0]) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)))
  .join('');

/**
 * The key under which caseExact=false text is compared and kept unique: É = é, ß = ẞ = ss, Σ = σ = ς, whatever the locale,
 * and composed as decomposed (RFC 7644 §5 asks for a normal form when user names are compared). I is i; the Turkish ı and İ
 * are neither, as in Unicode's default folding. Folding twice changes nothing more.
 */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  // Lower, upper, lower: ẞ has no upper case of its own kind but a lower one (ß), whose upper case is SS.
  const fold = (part: string): string => part.toLowerCase().toUpperCase().toLowerCase();
  // ı would come back from its upper case as i. The sigma at a word's end is a matter of spelling only, and
  // would keep `co "οδος"` from finding the word inside a longer one.
  const folded = text.normalize('NFC').split('ı').map(fold).join('ı').replaceAll('ς', 'σ');
  return folded.normalize('NFC');
}

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:(Z)|([+-])(\d\d):(\d\d))?$/i;

/**
 * An xsd:dateTime (RFC 7643 §2.3.5) as the text `2011-05-13T02:42:34.000Z`, whose order is the order of the instants; digits
 * behind the millisecond are cut, and a time without a zone is taken for UTC. Undefined: not a dateTime.
 */
export function foldInstant(text: string): string | undefined {
  const parts = dateTime.exec(text);
  if (!parts) return undefined;
  const part = (index: number): number => Number(parts[index]);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const midnightAtTheEnd = hour === 24 && minute === 0 && second === 0;
  if (month < 1 || month > 12 || day < 1 || (hour > 23 && !midnightAtTheEnd) || minute > 59 || second > 59) return undefined;
  const milliseconds = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3));
  const instant = new Date(0);
  instant.setUTCFullYear(year, month - 1, day);
  if (instant.getUTCDate() !== day) return undefined; // 31 February
  instant.setUTCHours(hour, minute, second, milliseconds);
  if (parts[9]) {
    if (part(10) > 14 || part(11) > 59) return undefined;
    const offset = (part(10) * 60 + part(11)) * 60_000;
    instant.setTime(instant.getTime() + (parts[9] === '+' ? -offset : offset));
  }
  const folded = instant.toISOString();
  return folded.length === 24 ? folded : undefined; // a year before 0 or after 9999, by its zone
}

/** The order of Unicode code points, which is what PostgreSQL's "C" collation has; JavaScript's own is that of UTF-16. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return (isSurrogate(x) ? x + 0x10000 : x) - (isSurrogate(y) ? y + 0x10000 : y);
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
