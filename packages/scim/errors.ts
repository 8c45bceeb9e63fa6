import { errorUrn } from './urns';

/** RFC 7644 §3.12, table 9; the last three are RFC 9865 §2.1's. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

/** The body of an error. There are no other members: strict clients refuse a body that has some. */
export interface ScimErrorBody {
  schemas: [typeof errorUrn];
  status: string;
  scimType?: ScimType;
  detail: string;
}

/**
 * A request that is refused. `detail` is shown to the customer's IT admin by the IdP, so it is a sentence
 * that names the attribute or path as it was sent and says what would be right.
 */
export class ScimError extends Error {
  constructor(
    readonly status: number,
    readonly scimType: ScimType | undefined,
    readonly detail: string,
  ) {
    super(detail);
    this.name = 'ScimError';
  }

  /** RFC 7644 §3.12: "status" is a string in the body. */
  toJSON(): ScimErrorBody {
    return {
      schemas: [errorUrn],
      status: String(this.status),
      ...(this.scimType === undefined ? {} : { scimType: this.scimType }),
      detail: this.detail,
    };
  }
}

/** A path of a PATCH, or a filter in one, names what the schema does not have: a vendor may want it passed over (PatchReading). */
export class UnknownPath extends ScimError {
  constructor(scimType: 'invalidPath' | 'invalidFilter', detail: string) {
    super(400, scimType, detail);
    this.name = 'UnknownPath';
  }
}

/** A name, path or value as it was sent, for a sentence: in quotes (single ones where it has double ones itself), and cut where it is long. */
export function quoted(text: string): string {
  const cut = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  const visible = JSON.stringify(cut).slice(1, -1).replaceAll('\\"', '"');
  return visible.includes('"') ? `'${visible}'` : `"${visible}"`;
}

export const invalidSyntax = (detail: string): ScimError => new ScimError(400, 'invalidSyntax', detail);
export const invalidValue = (detail: string): ScimError => new ScimError(400, 'invalidValue', detail);
export const invalidPath = (detail: string): ScimError => new ScimError(400, 'invalidPath', detail);
export const invalidFilter = (detail: string): ScimError => new ScimError(400, 'invalidFilter', detail);
export const noTarget = (detail: string): ScimError => new ScimError(400, 'noTarget', detail);
export const mutability = (detail: string): ScimError => new ScimError(400, 'mutability', detail);
