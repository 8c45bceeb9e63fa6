import fc from 'fast-check';
import { compareCodePoints, foldCase, foldInstant, foldName, foldResource } from './fold';
import { coreSchemas, schemaSet } from './schemas';

describe('F5 foldCase', () => {
  test.each([
    ['É', 'é'],
    ['STRASSE', 'straße'],
    ['STRAẞE', 'strasse'],
    ['ΟΔΟΣ', 'οδος'],
    ['οδοσ', 'οδος'],
    ['I', 'i'],
    ['ﬁ', 'FI'],
    ['Å', 'å'],
    ['Ǆ', 'ǆ'],
    ['E\u0301', 'é'],
    ['𐐀', '𐐨'],
  ])('takes %s for %s', (a, b) => {
    expect(foldCase(a)).toBe(foldCase(b));
  });

  test.each([
    ['ı', 'i'],
    ['İ', 'i'],
    ['a', 'á'],
    ['o', 'ø'],
  ])('keeps %s from %s', (a, b) => {
    expect(foldCase(a)).not.toBe(foldCase(b));
  });

  test('a sigma at the end of a word is found inside a longer one', () => {
    expect(foldCase('ΟΔΟΣΑ')).toContain(foldCase('ΟΔΟΣ'));
  });

  test('of every character is the same when it is folded again, and what JavaScript’s own folding calls equal', () => {
    const notIdempotent: string[] = [];
    const unequal: string[] = [];
    for (let point = 0; point <= 0x1ffff; point += 1) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const character = String.fromCodePoint(point);
      const folded = foldCase(character);
      if (foldCase(folded) !== folded) notIdempotent.push(character);
      for (const other of [character.toLowerCase(), character.toUpperCase()]) {
        // One character against one: what the "iu" flags compare by Unicode's simple folding.
        if (other.length !== String.fromCodePoint(other.codePointAt(0) ?? 0).length || other === character || character === 'ı') continue;
        if (foldCase(other) !== folded) unequal.push(`${character}${other}`);
      }
    }
    expect(notIdempotent).toEqual([]);
    expect(unequal).toEqual([]);
  });

  test('of any text is the same when it is folded again', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => foldCase(foldCase(text)) === foldCase(text)));
  });
});

describe('C5 foldName', () => {
  test.each([
    ['ADA@ACME.COM', 'ada@acme.com'],
    ['É', 'é'],
    ['E\u0301', 'é'],
    ['STRAẞE', 'straße'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['Ǆ', 'ǆ'],
    ['𐐀', '𐐨'],
    ['ａｄａ＠ａｃｍｅ．ｃｏｍ', 'ada@acme.com'],
    ['ＡＤＡ', 'ada'],
    ['ｶﾞ', 'ガ'],
    ['ﾡ', 'ㄱ'],
    ['ￜ', 'ㅣ'],
    ['\uffa0a', '\u3164a'],
    ['a￣', 'a\u00af'],
    ['￦', '₩'],
    [' ada\t', 'ada'],
    ['\u3000ada\u00a0', 'ada'],
    ['K', 'k'],
  ])('takes %j for %j', (a, b) => {
    expect(foldName(a)).toBe(foldName(b));
  });

  test.each([
    ['fußball', 'fussball'],
    ['oﬃce', 'office'],
    ['ﬁ', 'fi'],
    ['ŉ', 'ʼn'],
    ['ſ', 's'],
    ['µ', 'μ'],
    ['οδός', 'οδόσ'],
    ['ﬅ', 'ﬆ'],
    ['ᾳ', 'αι'],
    ['և', 'եւ'],
    ['ı', 'i'],
    ['İ', 'i'],
    ['²', '2'],
    ['a b', 'ab'],
    ['á', 'a'],
  ])('keeps %j from %j', (a, b) => {
    expect(foldName(a)).not.toBe(foldName(b));
  });

  test('of any text is the same when it is folded again, and takes small letters for no others', () => {
    for (let point = 0; point <= 0x1ffff; point += 1) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const folded = foldName(String.fromCodePoint(point));
      if (foldName(folded) !== folded) throw new Error(`U+${point.toString(16)}`);
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => foldName(foldName(text)) === foldName(text)));
  });
});

describe('F1 foldInstant', () => {
  test.each([
    ['2011-05-13T04:42:34+02:00', '2011-05-13T02:42:34.000Z'],
    ['2011-05-13T04:42:34Z', '2011-05-13T04:42:34.000Z'],
    ['2011-05-13T04:42:34.1234567Z', '2011-05-13T04:42:34.123Z'],
    ['2011-05-13T04:42:34', '2011-05-13T04:42:34.000Z'],
    ['2011-12-31T24:00:00Z', '2012-01-01T00:00:00.000Z'],
    ['0033-01-01T00:00:00Z', '0033-01-01T00:00:00.000Z'],
  ])('reads %s', (text, instant) => {
    expect(foldInstant(text)).toBe(instant);
  });

  test.each([
    '',
    '2011-05-13',
    'yesterday',
    '2011-02-30T00:00:00Z',
    '2011-13-01T00:00:00Z',
    '2011-05-13T25:00:00Z',
    '2011-05-13T00:00:00+15:00',
    '0000-01-01T00:00:00+14:00',
  ])('refuses %s', (text) => {
    expect(foldInstant(text)).toBeUndefined();
  });

  test('the order of the texts is the order of the instants', () => {
    const instants = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(instants, instants, (a, b) => {
        const order = compareCodePoints(foldInstant(a.toISOString()) ?? '', foldInstant(b.toISOString()) ?? '');
        expect(Math.sign(order)).toBe(Math.sign(a.getTime() - b.getTime()));
      }),
    );
  });
});

test('F1 compareCodePoints is the order of UTF-8 bytes, as the "C" collation’s', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

describe('foldResource', () => {
  const extension = 'urn:ietf:params:scim:schemas:extension:Acme:2.0:User';
  const schemas = schemaSet([
    {
      urn: extension,
      resourceType: 'User',
      attributes: [
        { name: 'badgeCode', caseExact: true },
        { name: 'since', type: 'dateTime' },
      ],
    },
  ]);

  test('lower-cases names, folds what is not caseExact, and makes schemas', () => {
    const folded = foldResource(
      {
        userName: 'ÉVA',
        externalId: 'Ab-1',
        emails: [{ value: 'EVA@x.example', type: 'Work', primary: true }],
        [extension]: { badgeCode: 'Q-É', since: '2020-01-01T00:00:00+01:00', Shoe: 'XL' },
        'urn:x:y:Z': { Deep: [{ Key: 'VALUE', n: 1 }] },
      },
      'User',
      schemas,
    );
    expect(folded).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:user', extension.toLowerCase(), 'urn:x:y:z'],
      username: 'éva',
      externalid: 'Ab-1',
      emails: [{ value: 'eva@x.example', type: 'work', primary: true }],
      [extension.toLowerCase()]: { badgecode: 'Q-É', since: '2019-12-31T23:00:00.000Z', shoe: 'xl' },
      'urn:x:y:z': { deep: [{ key: 'value', n: 1 }] },
    });
  });

  test('does not touch what it folds', () => {
    const resource = Object.freeze({ userName: 'A', emails: Object.freeze([{ value: 'B' }]) as never });
    foldResource(resource, 'User', coreSchemas);
    expect(resource).toEqual({ userName: 'A', emails: [{ value: 'B' }] });
  });
});
