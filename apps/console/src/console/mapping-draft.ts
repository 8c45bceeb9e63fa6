import type { AttributeMapping, Json, MappedAttribute, RoleRule, TransformStep } from '../broker/answers';

/** An attribute as its form holds it: texts, as they are typed. */
export interface AttributeDraft {
  /** Of the row in the form: rows can be moved. */
  key: number;
  name: string;
  type: MappedAttribute['type'];
  from: string[];
  /** JSON; empty: it is taken from a path. */
  constant: string;
  required: boolean;
  allowed: string[];
  pattern: string;
  /** A text, or JSON where it is one. */
  fallback: string;
  trim: boolean;
  letters: 'as sent' | 'lower' | 'upper';
  split: string;
  /** `sent = wanted`, a line each. */
  lookup: string;
}

export interface RoleDraft {
  key: number;
  kind: 'group' | 'external_id' | 'attribute';
  role: string;
  group: string;
  externalId: string;
  from: string;
  lookup: string;
  allowed: string[];
  /** What the form does not show of it, kept as it was. */
  transform: TransformStep[];
}

export interface MappingDraft {
  attributes: AttributeDraft[];
  mode: 'one' | 'many';
  fallbackRole: string;
  roles: RoleDraft[];
  rules: AttributeMapping['rules'];
}

let lastKey = 0;
export const newKey = (): number => ++lastKey;

export function emptyAttribute(): AttributeDraft {
  return {
    key: newKey(),
    name: '',
    type: 'string',
    from: [],
    constant: '',
    required: false,
    allowed: [],
    pattern: '',
    fallback: '',
    trim: false,
    letters: 'as sent',
    split: '',
    lookup: '',
  };
}

export function emptyRole(): RoleDraft {
  return { key: newKey(), kind: 'group', role: '', group: '', externalId: '', from: '', lookup: '', allowed: [], transform: [] };
}

function roleDraftOf(rule: RoleRule): RoleDraft {
  if ('group' in rule) return { ...emptyRole(), kind: 'group', role: rule.role, group: rule.group };
  if ('group_external_id' in rule) return { ...emptyRole(), kind: 'external_id', role: rule.role, externalId: rule.group_external_id };
  return {
    ...emptyRole(),
    kind: 'attribute',
    from: rule.role_from,
    lookup: rule.lookup ? linesOf(rule.lookup).join('\n') : '',
    allowed: rule.allowed_values ?? [],
    transform: rule.transform ?? [],
  };
}

/** A saved mapping, as forms hold it. */
export function draftOf(mapping: AttributeMapping): MappingDraft {
  return {
    attributes: mapping.attributes.map((attribute) => {
      const steps = attribute.transform ?? [];
      return {
        key: newKey(),
        name: attribute.name,
        type: attribute.type,
        from: attribute.from === undefined ? [] : [attribute.from].flat(),
        constant: attribute.constant === undefined ? '' : JSON.stringify(attribute.constant),
        required: attribute.required ?? false,
        allowed: (attribute.allowed_values ?? []).map(String),
        pattern: attribute.pattern ?? '',
        fallback: textOf(attribute.default ?? null),
        trim: steps.includes('trim'),
        letters: steps.includes('lower') ? 'lower' : steps.includes('upper') ? 'upper' : 'as sent',
        split: steps.flatMap((step) => (typeof step === 'object' && 'split' in step ? step.split : []))[0] ?? '',
        lookup: steps.flatMap((step) => (typeof step === 'object' && 'lookup' in step ? linesOf(step.lookup) : [])).join('\n'),
      };
    }),
    mode: mapping.roles.mode,
    fallbackRole: mapping.roles.default ?? '',
    roles: mapping.roles.rules.map(roleDraftOf),
    rules: mapping.rules,
  };
}

/** What is sent of forms. The order of the steps is the one that makes sense: trim, letters, split, lookup. */
export function mappingOf(draft: MappingDraft): AttributeMapping {
  return {
    attributes: draft.attributes.map((attribute) => {
      const transform: TransformStep[] = [
        ...(attribute.trim ? ['trim' as const] : []),
        ...(attribute.letters === 'as sent' ? [] : [attribute.letters]),
        ...(attribute.split === '' ? [] : [{ split: attribute.split }]),
        ...(attribute.lookup.trim() === '' ? [] : [{ lookup: pairsIn(attribute.lookup) }]),
      ];
      const numeric = attribute.type === 'number';
      return {
        name: attribute.name.trim(),
        type: attribute.type,
        ...(attribute.constant.trim() === ''
          ? { from: attribute.from.length === 1 ? (attribute.from[0] ?? '') : attribute.from }
          : { constant: valueIn(attribute.constant) }),
        ...(attribute.required && { required: true }),
        ...(attribute.allowed.length > 0 && { allowed_values: numeric ? attribute.allowed.map(Number) : attribute.allowed }),
        ...(attribute.pattern !== '' && { pattern: attribute.pattern }),
        ...(attribute.fallback !== '' && {
          default: attribute.type === 'string' || attribute.type === 'date' ? attribute.fallback : valueIn(attribute.fallback),
        }),
        ...(transform.length > 0 && { transform }),
      };
    }),
    roles: {
      mode: draft.mode,
      default: draft.fallbackRole.trim() || null,
      rules: draft.roles.map(roleRuleOf),
    },
    rules: draft.rules,
  };
}

function roleRuleOf(rule: RoleDraft): RoleRule {
  switch (rule.kind) {
    case 'group':
      return { role: rule.role.trim(), group: rule.group.trim() };
    case 'external_id':
      return { role: rule.role.trim(), group_external_id: rule.externalId.trim() };
    case 'attribute':
      return {
        role_from: rule.from.trim(),
        ...(rule.transform.length > 0 && { transform: rule.transform }),
        ...(rule.lookup.trim() !== '' && {
          lookup: Object.fromEntries(Object.entries(pairsIn(rule.lookup)).map(([sent, wanted]) => [sent, String(wanted)])),
        }),
        ...(rule.allowed.length > 0 && { allowed_values: rule.allowed }),
      };
  }
}

function linesOf(pairs: Record<string, string | number | boolean>): string[] {
  return Object.entries(pairs).map(([sent, wanted]) => `${sent} = ${String(wanted)}`);
}

function pairsIn(lines: string): Record<string, string> {
  return Object.fromEntries(
    lines
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      }),
  );
}

/** JSON where it is some, and a text otherwise. */
function valueIn(text: string): Json {
  try {
    return JSON.parse(text) as Json; // whatever parses is JSON
  } catch {
    return text;
  }
}

function textOf(value: Json): string {
  return value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}
