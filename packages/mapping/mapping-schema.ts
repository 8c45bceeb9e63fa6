import { type Static, type TSchema, type TUnsafe, Type } from '@sinclair/typebox';
import type { Json } from '#scim';
import { patternLimits } from './pattern';

const types = ['string', 'number', 'boolean', 'date', 'string_list', 'object'] as const;
const actions = ['reject', 'warn', 'ignore'] as const;
const unknownPathActions = ['reject', 'ignore'] as const;

/** One of some words, as JSON Schema has it: a union of literals would answer a wrong word with a riddle. */
function word<const W extends readonly string[]>(
  words: W,
  options: { description?: string; default?: W[number] } = {},
): TUnsafe<W[number]> {
  return Type.Unsafe<W[number]>({ type: 'string', enum: [...words], ...options });
}

function closed<P extends Record<string, TSchema>>(properties: P, options: { title?: string; description?: string } = {}) {
  return Type.Object(properties, { ...options, additionalProperties: false });
}

const Path = Type.String({ minLength: 1, maxLength: 500 });
const RoleName = Type.String({ minLength: 1, maxLength: 200 });
const anyJson = (description: string): TUnsafe<Json> => Type.Unsafe<Json>({ description });

const TransformStep = Type.Union(
  [
    word(['trim', 'lower', 'upper']),
    closed({ split: Type.String({ minLength: 1, maxLength: 20 }) }),
    closed({
      lookup: Type.Record(Type.String(), Type.Unsafe<string | number | boolean>({ type: ['string', 'number', 'boolean'] }), {
        maxProperties: 1000,
      }),
    }),
  ],
  { description: '"trim", "lower", "upper", {"split": ","} or {"lookup": {"sent": "wanted"}}' },
);

const Transform = Type.Array(TransformStep, {
  maxItems: 10,
  description: 'What is done to each text, in order. What a `lookup` does not list stays as it is; what `split` leaves empty goes.',
});

const AttributeMapping = closed({
  name: Type.String({
    pattern: '^[A-Za-z][A-Za-z0-9_-]{0,99}$',
    description: 'a name that begins with a letter and has at most 100 letters, digits, "-" and "_"',
  }),
  type: word(types, { description: 'What it is for you. Text is converted: "True" to true, "5" to 5.' }),
  from: Type.Optional(
    Type.Union([Path, Type.Array(Path, { minItems: 1, maxItems: 5 })], {
      description:
        'a SCIM path, such as "userType", or a list of 1 to 5 of them; the first that has a value counts. `urn:…:*` is the whole extension, as an object',
    }),
  ),
  constant: Type.Optional(anyJson('In place of `from`: the same value for everybody')),
  required: Type.Optional(Type.Boolean({ description: 'Nobody may be without a value; a default is one' })),
  allowed_values: Type.Optional(
    Type.Array(Type.Unsafe<string | number>({ type: ['string', 'number'], maxLength: 1000 }), {
      minItems: 1,
      maxItems: 1000,
      description: 'The values that there are, exactly as written here; of a string_list: of each element',
    }),
  ),
  pattern: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: patternLimits.patternLength,
      description: `A JavaScript regular expression (flag u) without backreferences, lookahead and lookbehind. It is searched for: write ^ and $ for the whole text. Texts of more than ${patternLimits.textLength} characters do not match.`,
    }),
  ),
  default: Type.Optional(
    anyJson('What it is where nothing is sent, or where what is sent is refused but let through by the rules; null: nothing'),
  ),
  transform: Type.Optional(Transform),
});

const RoleRule = Type.Union(
  [
    closed({
      role: RoleName,
      group: Type.String({
        minLength: 1,
        maxLength: 500,
        description: 'displayName of a group, whatever its case; of several groups of that name the oldest is meant',
      }),
    }),
    closed({
      role: RoleName,
      group_external_id: Type.String({
        minLength: 1,
        maxLength: 500,
        description: 'externalId of a group, exactly: what the identity provider knows it by, whatever it is called',
      }),
    }),
    closed({
      role_from: Path,
      transform: Type.Optional(Transform),
      lookup: Type.Optional(
        Type.Record(Type.String(), RoleName, {
          maxProperties: 1000,
          description: 'From what is sent to your role; what it does not list gives no role',
        }),
      ),
      allowed_values: Type.Optional(
        Type.Array(RoleName, {
          minItems: 1,
          maxItems: 1000,
          description: 'The roles that this rule may give; any other is an `invalid_value`',
        }),
      ),
    }),
  ],
  {
    description:
      '{"role", "group"}, {"role", "group_external_id"}, or {"role_from"} with "transform", "lookup" and "allowed_values" where they are needed',
  },
);

const action = (standard: Action, description: string) => Type.Optional(word(actions, { default: standard, description }));

/** A mapping as a vendor writes it. parseMapping checks this and what a schema cannot say. */
export const MappingSchema = closed(
  {
    attributes: Type.Optional(Type.Array(AttributeMapping, { maxItems: 100, description: 'What stands in `attributes` of a user' })),
    roles: Type.Optional(
      closed({
        mode: Type.Optional(
          word(['one', 'many'], {
            default: 'one',
            description: '`one`: the first rule that gives a role; `many`: all of them, each role once',
          }),
        ),
        default: Type.Optional(
          Type.Unsafe<string | null>({
            type: ['string', 'null'],
            minLength: 1,
            maxLength: 200,
            description: 'The role where no rule gives one; its `rule` is -1',
          }),
        ),
        rules: Type.Optional(Type.Array(RoleRule, { maxItems: 500 })),
      }),
    ),
    rules: Type.Optional(
      closed({
        invalid_value: action('reject', 'A value that is not of the type, not allowed or not of the pattern'),
        missing_required: action('reject', 'No value for a required attribute'),
        foreign_domain: action('ignore', "An e-mail address outside the organization's domains"),
        email_elsewhere: action('ignore', 'An e-mail address that is active in another organization'),
        unknown_path: Type.Optional(
          word(unknownPathActions, {
            default: 'reject',
            description:
              'A PATCH of an attribute that the schema does not have. `reject`: refused whole, as RFC 7644 wants it, and with it whatever else it was to change; `ignore`: that operation is passed over and noted, the others are done',
          }),
        ),
      }),
    ),
  },
  { title: 'AttributeMapping', description: 'What becomes of a SCIM user: attributes, roles, and what breaks a rule.' },
);

export type Action = (typeof actions)[number];
export type UnknownPathAction = (typeof unknownPathActions)[number];
export type MappingType = (typeof types)[number];
export type TransformStep = Static<typeof TransformStep>;
export type AttributeMapping = Static<typeof AttributeMapping>;
export type RoleRule = Static<typeof RoleRule>;
export type MappingBody = Static<typeof MappingSchema>;
export type RuleName = 'invalid_value' | 'missing_required' | 'foreign_domain' | 'email_elsewhere';

/**
 * A mapping that is valid and complete, in the JSON that the API speaks and the database keeps: parseMapping of it is the same
 * again. Not to be changed: what is worked out from it is kept with it.
 */
export interface Mapping {
  readonly attributes: readonly AttributeMapping[];
  readonly roles: { readonly mode: 'one' | 'many'; readonly default: string | null; readonly rules: readonly RoleRule[] };
  readonly rules: Readonly<Record<RuleName, Action>> & { readonly unknown_path: UnknownPathAction };
}

/** The SCIM paths that an attribute is taken from, in order; none for a constant. */
export function pathsOf({ from }: AttributeMapping): string[] {
  return from === undefined ? [] : typeof from === 'string' ? [from] : from;
}

/** What holds where nobody has set one: no attributes, no roles, and nothing is refused. */
export const defaultMapping: Mapping = {
  attributes: [],
  roles: { mode: 'one', default: null, rules: [] },
  rules: {
    invalid_value: 'ignore',
    missing_required: 'ignore',
    foreign_domain: 'ignore',
    email_elsewhere: 'ignore',
    unknown_path: 'reject',
  },
};
