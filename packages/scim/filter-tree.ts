import type { AttributeDefinition } from './schemas';

/** `ne` is not among them: `a ne x` is read as `not (a eq x)`, so that the two can never differ; `eq null` is `not (a pr)`. */
export type ComparisonOperator = 'eq' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/**
 * A filter (RFC 7644 §3.4.2.2), every attribute resolved and every value of its attribute's type.
 *
 * A comparison's `value` is folded already: it is compared as it is with what foldResource stores; `sent` is as sent.
 * Strings are compared by code point (`collate "C"`), dateTimes as the text of their one UTC form, numbers as numbers; an
 * attribute of type `any` is equal only to a value of the same JSON type, but for a boolean, which its text is equal to. co, sw and
 * ew occur with strings only, gt, ge, lt and le never with booleans or binary.
 */
export type Filter =
  | { readonly kind: 'and'; readonly filters: readonly Filter[] }
  | { readonly kind: 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | Comparison
  /** has a value that is not empty; of a complex attribute: in any sub-attribute */
  | { readonly kind: 'present'; readonly attribute: AttributeReference }
  /** one and the same element of `attribute` satisfies `filter`, whose references start at the element */
  | { readonly kind: 'value_path'; readonly attribute: AttributeReference; readonly filter: Filter }
  /** matches nothing: an attribute that this resource type cannot have; `name` as sent */
  | { readonly kind: 'nothing'; readonly name: string };

export interface Comparison {
  readonly kind: 'comparison';
  readonly attribute: AttributeReference;
  readonly operator: ComparisonOperator;
  readonly value: string | number | boolean;
  readonly sent: string | number | boolean;
}

/**
 * An attribute that a filter, or sortBy, names, found in the schemas.
 *
 * `keys` says where its value lies in a folded resource (foldResource): lower-case names from the top of the resource,
 * such as ['username'], ['emails', 'value'] or ['urn:ietf:…:2.0:user', 'manager', 'value']; inside a value path from the
 * element, such as ['type'], and [] for the element itself. Any step may meet an array: then any element counts.
 */
export interface AttributeReference {
  /** the extension's URN as declared, or as sent where nobody declared it; absent for a core attribute */
  readonly extension?: string;
  readonly attribute: AttributeDefinition;
  readonly subAttribute?: AttributeDefinition;
  readonly keys: readonly string[];
  /** the whole name, where nobody declared its URN: it may be the name of an extension as well, which `pr` asks for too */
  readonly undeclaredUrn?: string;
}

/** What a value of the reference is: the sub-attribute's definition, or the attribute's. */
export function leafOf(reference: AttributeReference): AttributeDefinition {
  return reference.subAttribute ?? reference.attribute;
}

/**
 * Where the values are that a reference to an attribute which nobody declared compares; undefined for any other reference. Whether
 * they are simple or complex only the resource knows. A simple one is its own value, and a complex one is compared by its "value"
 * (RFC 7644 §3.4.2.2), whether the filter says so or not: `X:cards`, `X:cards.value`, `X:cards[value …]`.
 */
export function ownValueOf(reference: AttributeReference): { keys: readonly string[] } | undefined {
  const { extension, subAttribute, keys } = reference;
  if (leafOf(reference).type !== 'any') return undefined;
  if (extension !== undefined && !subAttribute) return { keys };
  return keys.at(-1) === 'value' ? { keys: keys.slice(0, -1) } : undefined;
}
