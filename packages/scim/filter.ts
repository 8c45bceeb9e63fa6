import { findAttribute, isName } from './attribute-names';
import type { FoundAttribute } from './attribute-names';
import { invalidFilter, quoted, UnknownPath } from './errors';
import { leafOf } from './filter-tree';
import type { AttributeReference, ComparisonOperator, Filter } from './filter-tree';
import { foldText, foldInstant } from './fold';
import { shown } from './notes';
import { resourceTypeNames } from './resource';
import type { ResourceType } from './resource';
import type { AttributeDefinition, SchemaSet } from './schemas';
import { booleanFromText } from './tolerances';

/** `terms`: comparisons and `pr` tests; `depth`: parentheses and brackets in each other. */
export const filterLimits = { bytes: 4096, depth: 30, terms: 100 };

/**
 * Throws ScimError invalidFilter for a filter that is malformed, too large, or names an attribute that a core schema does
 * not have. `type` undefined: a query at the root, where an attribute of either type will do (see narrowQuery).
 */
export function parseFilter(text: string, type: ResourceType | undefined, schemas: SchemaSet): Filter {
  if (text.length > filterLimits.bytes || Buffer.byteLength(text) > filterLimits.bytes) {
    throw invalidFilter(`The filter is longer than ${filterLimits.bytes} bytes.`);
  }
  const filter = new FilterParser(text, resourceNames(type, schemas, false), filterLimits).parse();
  return filter;
}

/** A filter of a query at the root as it is for one type: what the type cannot have matches nothing there. */
export function narrowFilter(filter: Filter, type: ResourceType, schemas: SchemaSet): Filter {
  const unlimited = { depth: Infinity, terms: Infinity };
  return new FilterParser(formatFilter(filter), resourceNames(type, schemas, true), unlimited).parse();
}

/** What stands in the brackets of a value path; names in it are sub-attributes of `attribute`. */
export function parseElementFilter(text: string, attribute: AttributeDefinition): Filter {
  if (text.length > filterLimits.bytes) throw invalidFilter(`The filter is longer than ${filterLimits.bytes} bytes.`);
  return new FilterParser(text, elementNames(attribute), filterLimits).parse();
}

// ── Which attribute a name means ───────────────────────────────────────────────────────────────

interface Names {
  /** 'nothing': no such attribute, which is not an error */
  find(name: string): AttributeReference | 'nothing';
  /** inside a value path there is no other */
  readonly valuePaths: boolean;
}

function resourceNames(type: ResourceType | undefined, schemas: SchemaSet, unknownIsNothing: boolean): Names {
  const types = type ? [type] : resourceTypeNames;
  return {
    valuePaths: true,
    find(name) {
      let nothing = unknownIsNothing;
      for (const candidate of types) {
        const found = findAttribute(name, candidate, schemas);
        if (found.kind === 'attribute') return referenceTo(found);
        // A whole extension can be asked for with `pr`; it is an attribute in its own right (RFC 7643 §3.3).
        if (found.kind === 'schema' && found.extension) return referenceToExtension(found.extension);
        if (found.kind === 'malformed') throw invalidFilter(`${quoted(name)} is not an attribute’s name.`);
        if (found.kind === 'unknown' && found.ofUri) nothing = true;
      }
      // An extension's attribute that nobody has may be had tomorrow; a core one is a mistake, which must be seen.
      if (nothing) return 'nothing';
      throw invalidFilter(`${quoted(name)} is no attribute of a ${types.join(' or ')}. /Schemas lists the attributes that there are.`);
    },
  };
}

function elementNames(attribute: AttributeDefinition): Names {
  return {
    valuePaths: false,
    find(name) {
      if (attribute.type === 'any') {
        if (!isName(name)) throw invalidFilter(`${quoted(name)} is not the name of a sub-attribute.`);
        return { attribute: { ...attribute, name, multiValued: false }, keys: [name.toLowerCase()] };
      }
      const sub = attribute.subAttributesByName.get(name.toLowerCase());
      if (sub) return { attribute: sub, keys: [name.toLowerCase()] };
      // RFC 7643 §2.4: the elements of a simple attribute are their own value.
      if (attribute.type !== 'complex' && name.toLowerCase() === 'value') {
        return { attribute: { ...attribute, name: 'value', multiValued: false }, keys: [] };
      }
      throw new UnknownPath('invalidFilter', `${quoted(name)} is no sub-attribute of ${attribute.name}.`);
    },
  };
}

function referenceTo({
  extension,
  attribute,
  subAttribute,
  undeclaredUrn,
}: Extract<FoundAttribute, { kind: 'attribute' }>): AttributeReference {
  const keys = [attribute.name.toLowerCase()];
  if (extension) keys.unshift(extension.toLowerCase());
  if (subAttribute) keys.push(subAttribute.name.toLowerCase());
  return {
    ...(extension && { extension }),
    attribute,
    ...(subAttribute && { subAttribute }),
    keys,
    ...(undeclaredUrn && { undeclaredUrn }),
  };
}

function referenceToExtension(extension: string): AttributeReference {
  return { attribute: { ...wholeExtension, name: extension }, keys: [extension.toLowerCase()] };
}
const wholeExtension: AttributeDefinition = {
  name: '',
  type: 'complex',
  multiValued: false,
  description: '',
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  subAttributesByName: new Map(),
};

/**
 * The attribute that sortBy names (RFC 7644 §3.4.2.3), with its default sub-attribute; undefined where nothing can be
 * sorted by it.
 */
export function findSortAttribute(name: string, type: ResourceType | undefined, schemas: SchemaSet): AttributeReference | undefined {
  for (const candidate of type ? [type] : resourceTypeNames) {
    const found = findAttribute(name, candidate, schemas);
    if (found.kind !== 'attribute') continue;
    const reference = withDefaultSubAttribute(referenceTo(found));
    const leaf = leafOf(reference);
    const readElsewhere = !found.extension && ['members', 'groups', 'schemas'].includes(found.attribute.name);
    if (leaf.type === 'complex' || leaf.returned === 'never' || readElsewhere) continue;
    return reference;
  }
  return undefined;
}

/** RFC 7644 §3.4.2.2: a complex attribute without a sub-attribute stands for its "value", where it has one. */
function withDefaultSubAttribute(reference: AttributeReference): AttributeReference {
  if (reference.subAttribute || reference.attribute.type !== 'complex') return reference;
  const value = reference.attribute.subAttributesByName.get('value');
  return value ? { ...reference, subAttribute: value, keys: [...reference.keys, 'value'] } : reference;
}

// ── Parsing ────────────────────────────────────────────────────────────────────────────────────

type Literal = string | number | boolean | null;

/** Recursive descent over grammar.abnf. Every character is looked at a fixed number of times. */
class FilterParser {
  private position = 0;
  private depth = 0;
  private terms = 0;

  constructor(
    private readonly text: string,
    private names: Names,
    private readonly limits: { depth: number; terms: number },
  ) {}

  parse(): Filter {
    this.skipSpace();
    if (this.atEnd()) throw invalidFilter('The filter is empty.');
    const filter = this.parseOr();
    if (!this.atEnd()) {
      const rest = this.text.slice(this.position);
      if (rest.startsWith(')') || rest.startsWith(']'))
        throw invalidFilter(`The filter has a ${quoted(rest[0] ?? '')} too many, before ${quoted(rest.slice(1))}.`);
      throw invalidFilter(`The filter cannot be read from ${quoted(rest)} on: "and", "or" or its end should stand there.`);
    }
    return filter;
  }

  private parseOr(): Filter {
    const filters = [this.parseAnd()];
    while (this.takeWord('or')) filters.push(this.parseAnd());
    return joined('or', filters);
  }

  private parseAnd(): Filter {
    const filters = [this.parseTerm()];
    while (this.takeWord('and')) filters.push(this.parseTerm());
    return joined('and', filters);
  }

  private parseTerm(): Filter {
    this.skipSpace();
    if (this.take('(')) return this.parseGroup();
    const start = this.position;
    const name = this.takeName();
    if (name.toLowerCase() === 'not') {
      this.skipSpace();
      if (this.take('(')) return { kind: 'not', filter: this.parseGroup() };
    }
    if (name === '') throw this.expected('an attribute', start);
    return this.parseAttributeExpression(name);
  }

  private parseGroup(): Filter {
    this.enter();
    const filter = this.parseOr();
    this.skipSpace();
    if (!this.take(')')) throw this.expected('")"', this.position);
    this.depth -= 1;
    this.skipSpace();
    return filter;
  }

  private enter(): void {
    this.depth += 1;
    if (this.depth > this.limits.depth) throw invalidFilter(`The filter’s parentheses are nested more than ${this.limits.depth} deep.`);
  }

  private parseAttributeExpression(name: string): Filter {
    this.terms += 1;
    if (this.terms > this.limits.terms) throw invalidFilter(`The filter has more than ${this.limits.terms} comparisons.`);
    const reference = this.names.find(name);
    if (reference !== 'nothing' && leafOf(reference).returned === 'never') {
      throw invalidFilter(`${quoted(name)} cannot be used in a filter.`);
    }
    if (this.take('[')) return this.parseValuePath(name, reference);
    return this.parseOperation(name, (make) => (reference === 'nothing' ? { kind: 'nothing', name } : make(reference)));
  }

  /** `emails[type eq "work"]`, and `emails[type eq "work"].value eq "x"`, which is not in the RFC's grammar but is what clients look users up by. */
  private parseValuePath(name: string, reference: AttributeReference | 'nothing'): Filter {
    const outer = this.names;
    if (!outer.valuePaths) throw invalidFilter(`${quoted(`${name}[`)}: brackets cannot stand inside brackets.`);
    this.names = reference === 'nothing' ? anyNames : elementNames(choosableAttribute(name, reference));
    this.enter();
    const chosen = this.parseOr();
    this.skipSpace();
    if (!this.take(']')) throw this.expected('"]"', this.position);
    this.depth -= 1;

    const valuePath = (element: Filter): Filter =>
      reference === 'nothing' ? { kind: 'nothing', name } : { kind: 'value_path', attribute: reference, filter: element };
    if (!this.take('.')) {
      this.names = outer;
      this.skipSpace();
      return valuePath(chosen);
    }
    const start = this.position;
    const sub = this.takeName();
    if (sub === '') throw this.expected('a sub-attribute', start);
    const subReference = this.names.find(sub);
    this.names = outer;
    return this.parseOperation(`${name}.${sub}`, (make) =>
      valuePath(subReference === 'nothing' ? { kind: 'nothing', name } : joined('and', [chosen, make(subReference)])),
    );
  }

  /** An operator and its value. `apply` gets what makes the positive comparison of it; `ne` and `eq null` are the negation of that. */
  private parseOperation(name: string, apply: (make: (reference: AttributeReference) => Filter) => Filter): Filter {
    this.skipSpace();
    const start = this.position;
    const operator = this.takeName().toLowerCase();
    if (operator === 'pr') {
      this.skipSpace();
      return apply((attribute) => ({ kind: 'present', attribute }));
    }
    if (!isOperator(operator)) {
      throw this.expected(`an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr) after ${quoted(name)}`, start);
    }
    const literal = this.takeLiteral(`${name} ${operator}`);
    if (literal === null) {
      if (operator !== 'eq' && operator !== 'ne')
        throw invalidFilter(`${quoted(`${name} ${operator} null`)}: null can be compared by eq and ne only.`);
      const present = apply((attribute) => ({ kind: 'present', attribute }));
      return operator === 'eq' ? negated(present) : present;
    }
    const positive = apply((reference) =>
      comparison(name, withDefaultSubAttribute(reference), operator === 'ne' ? 'eq' : operator, literal),
    );
    return operator === 'ne' ? negated(positive) : positive;
  }

  private takeLiteral(after: string): Literal {
    this.skipSpace();
    const start = this.position;
    const literal = this.text[start] === '"' ? this.takeString(after) : this.takeBareLiteral(after);
    const next = this.text[this.position];
    if (next !== undefined && next !== ' ' && next !== '\t' && next !== ')' && next !== ']') {
      this.checkQuotes(start, after);
      throw invalidFilter(`The filter cannot be read from ${quoted(this.text.slice(start))} on: a space is missing after the value.`);
    }
    this.skipSpace();
    return literal;
  }

  private takeString(after: string): string {
    const start = this.position;
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    if (end >= this.text.length) this.checkQuotes(start, after);
    if (end >= this.text.length) throw invalidFilter(`The filter’s string ${quoted(this.text.slice(start))} has no closing quote.`);
    this.position = end + 1;
    const value = jsonString(this.text.slice(start, this.position));
    if (value === undefined)
      throw invalidFilter(`${this.text.slice(start, this.position)} is not a JSON string: a backslash must be written \\\\.`);
    if (/[\0\p{Cs}]/u.test(value))
      throw invalidFilter('A string of the filter holds a character that no value can hold (NUL, or half of a surrogate pair).');
    return value;
  }

  /** Text that was typed into a document comes back with the quotes that documents have: shows what to type, where that is what is wrong. */
  private checkQuotes(start: number, after: string): void {
    const [whole, opening, inner = '', closing] = curlyString.exec(this.text.slice(start)) ?? [];
    if (whole === undefined || opening === undefined || (opening === '"' && closing === '"')) return;
    throw invalidFilter(`${shown(whole)} is not in straight double quotes. Write ${shown(after)} ${JSON.stringify(shown(inner))}`);
  }

  private takeBareLiteral(after: string): Literal {
    const start = this.position;
    this.checkQuotes(start, after);
    const word = this.takeName();
    const lower = word.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
    if (lower === 'null') return null;
    if (/^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(word) && Number.isFinite(Number(word))) return Number(word);
    if (word === '') throw this.expected(`a value after ${quoted(after)}`, start);
    throw invalidFilter(
      `${quoted(word)} is not a value: write a string in double quotes, as in ${after} "${word.replace(curlyQuote, '')}".`,
    );
  }

  private takeWord(word: string): boolean {
    this.skipSpace();
    const end = this.position + word.length;
    if (this.text.slice(this.position, end).toLowerCase() !== word) return false;
    const next = this.text[end];
    if (next !== undefined && next !== ' ' && next !== '\t' && next !== '(') return false;
    this.position = end;
    return true;
  }

  private takeName(): string {
    const start = this.position;
    while (this.position < this.text.length && !isDelimiter(this.text.charCodeAt(this.position))) this.position += 1;
    return this.text.slice(start, this.position);
  }

  private take(character: string): boolean {
    if (this.text[this.position] !== character) return false;
    this.position += 1;
    return true;
  }

  private skipSpace(): void {
    while (this.text[this.position] === ' ' || this.text[this.position] === '\t') this.position += 1;
  }

  private atEnd(): boolean {
    return this.position >= this.text.length;
  }

  private expected(what: string, at: number): Error {
    const found = this.text.slice(at);
    return invalidFilter(`The filter should have ${what}, but ${found === '' ? 'ends there' : `has ${quoted(found)}`}.`);
  }
}

/** A string whose quotes are not both straight double ones; the closing one is the first that ends a word, for O’Brien's sake. */
const curlyString = /^(["'“”„‟«»‹›‘’‚‛′″‵‶＂＇`´])(.*?)(["'“”„‟«»‹›‘’‚‛′″‵‶＂＇`´])(?=[ \t)\]]|$)/u;

const curlyQuote = /^['“”„‟«»‹›‘’‚‛′″‵‶＂＇`´]+|['“”„‟«»‹›‘’‚‛′″‵‶＂＇`´]+$/gu;

function choosableAttribute(name: string, { attribute, subAttribute }: AttributeReference): AttributeDefinition {
  const choosable = attribute.multiValued || attribute.type === 'complex' || attribute.type === 'any';
  if (subAttribute || !choosable) throw invalidFilter(`${quoted(`${name}[`)}: ${name} has no values to choose from.`);
  return attribute;
}

const anyNames: Names = { valuePaths: false, find: () => 'nothing' };

function jsonString(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Space, tab, `"`, `(`, `)`, `[`, `]`: what ends a name. */
function isDelimiter(unit: number): boolean {
  return unit === 32 || unit === 9 || unit === 34 || unit === 40 || unit === 41 || unit === 91 || unit === 93;
}

function isOperator(text: string): text is ComparisonOperator | 'ne' {
  return ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'].includes(text);
}

function joined(kind: 'and' | 'or', filters: readonly Filter[]): Filter {
  const flat = filters.flatMap((filter) => (filter.kind === kind ? filter.filters : [filter]));
  return flat.length === 1 && flat[0] ? flat[0] : { kind, filters: flat };
}

function negated(filter: Filter): Filter {
  return { kind: 'not', filter };
}

// ── Values of the attribute's type ─────────────────────────────────────────────────────────────

function comparison(name: string, attribute: AttributeReference, operator: ComparisonOperator, literal: string | number | boolean): Filter {
  const definition = leafOf(attribute);
  if (definition.type === 'complex') {
    const example = definition.subAttributes?.[0]?.name;
    throw invalidFilter(
      `${quoted(name)} has sub-attributes: compare one of them${example ? `, such as ${name}.${example}` : ''}, or ask for "${name} pr".`,
    );
  }
  const sent = typed(name, definition, literal);
  if (typeof sent !== 'string' && ['co', 'sw', 'ew'].includes(operator)) {
    throw invalidFilter(`${quoted(`${name} ${operator}`)}: co, sw and ew compare strings, and this compares a ${typeof sent}.`);
  }
  // RFC 7644 §3.4.2.2, gt: "Boolean and Binary attributes SHALL cause a failed response (HTTP status code 400) with scimType of invalidFilter".
  const ordered = typeof sent !== 'boolean' && definition.type !== 'binary';
  if (!ordered && operator !== 'eq')
    throw invalidFilter(
      `${quoted(`${name} ${operator}`)}: ${definition.type === 'binary' ? 'binary' : 'boolean'} values are compared by eq and ne only.`,
    );
  if (definition.type === 'dateTime' && ['co', 'sw', 'ew'].includes(operator)) {
    throw invalidFilter(`${quoted(`${name} ${operator}`)}: a time is compared by eq, ne, gt, ge, lt and le.`);
  }
  const value = typeof sent === 'string' ? foldText(sent, definition) : sent;
  return { kind: 'comparison', attribute, operator, value, sent };
}

function typed(name: string, definition: AttributeDefinition, literal: string | number | boolean): string | number | boolean {
  switch (definition.type) {
    case 'boolean': {
      const value = typeof literal === 'string' ? booleanFromText(literal) : literal;
      if (typeof value !== 'boolean')
        throw invalidFilter(`${quoted(name)} is true or false, and the filter compares it with ${quoted(String(literal))}.`);
      return value;
    }
    case 'integer':
    case 'decimal':
      if (typeof literal !== 'number') throw invalidFilter(`${quoted(name)} is a number: write it without quotes.`);
      return literal;
    case 'dateTime':
      if (typeof literal !== 'string' || foldInstant(literal) === undefined) {
        throw invalidFilter(`${quoted(name)} is a time: compare it with one such as "2026-01-31T09:00:00Z".`);
      }
      return literal;
    case 'any':
      return literal;
    default:
      if (typeof literal !== 'string')
        throw invalidFilter(`${quoted(name)} is a string: write the value in double quotes, as in "${String(literal)}".`);
      return literal;
  }
}

// ── Formatting ─────────────────────────────────────────────────────────────────────────────────

/** Text that parses to an equal filter. */
export function formatFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'and':
      return filter.filters.map((part) => (part.kind === 'or' ? `(${formatFilter(part)})` : formatFilter(part))).join(' and ');
    case 'or':
      return filter.filters.map((part) => formatFilter(part)).join(' or ');
    case 'not':
      return formatNegation(filter.filter);
    case 'comparison':
      return `${formatReference(filter.attribute)} ${filter.operator} ${JSON.stringify(filter.sent)}`;
    case 'present':
      return `${formatReference(filter.attribute)} pr`;
    case 'value_path':
      return `${formatReference(filter.attribute)}[${formatFilter(filter.filter)}]`;
    case 'nothing':
      return `${filter.name} pr`;
  }
}

/** By the short forms where there is one, so that formatting never nests deeper than what was parsed. */
function formatNegation(filter: Filter): string {
  if (filter.kind === 'comparison' && filter.operator === 'eq')
    return `${formatReference(filter.attribute)} ne ${JSON.stringify(filter.sent)}`;
  if (filter.kind === 'present') return `${formatReference(filter.attribute)} eq null`;
  return `not (${formatFilter(filter)})`;
}

function formatReference({ extension, attribute, subAttribute }: AttributeReference): string {
  return `${extension ? `${extension}:` : ''}${attribute.name}${subAttribute ? `.${subAttribute.name}` : ''}`;
}
