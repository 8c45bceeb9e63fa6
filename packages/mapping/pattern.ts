/**
 * Regular expressions of vendors, run on texts of identity providers, in the middle of a transaction that others wait for.
 *
 * JavaScript's own engine tries one way after another, and (a|a)*b or a*a*a*a*b can keep it busy for years on 40 characters;
 * no rule about nested quantifiers finds all of those. This one follows all ways at once (Thompson 1968), so a text of n
 * characters takes at most n times the pattern's size in steps, whatever either looks like. That is why backreferences,
 * lookahead and lookbehind, which cannot be run so, are refused. Everything else means what it means with JavaScript's flag u.
 */
export const patternLimits = {
  patternLength: 500,
  /** UTF-16 units of a text, as in String.length */
  textLength: 1_000,
  /** instructions; a{100} has 100 */
  size: 500,
};

/** What may still be done, in steps; each text takes from it. */
export interface PatternWork {
  stepsLeft: number;
}

/** The work that was left did not suffice to tell. */
export class PatternStopped extends Error {}

/** `message` ends a sentence that begins with the pattern's name. */
export class PatternRefused extends Error {}

export interface Pattern {
  readonly source: string;
  /** instructions: a step for each is the most that a character can cost */
  readonly size: number;
  /**
   * Whether the pattern is found anywhere in the text, which has at most patternLimits.textLength units. Throws PatternStopped where that
   * takes more than is left of `work`.
   */
  test(text: string, work?: PatternWork): boolean;
}

/** Throws PatternRefused. */
export function parsePattern(source: string): Pattern {
  if (source.length > patternLimits.patternLength) throw new PatternRefused(`has more than ${patternLimits.patternLength} characters`);
  try {
    new RegExp(source, 'u');
  } catch (error) {
    throw new PatternRefused(
      `is not a regular expression: ${error instanceof Error ? error.message.replace(/^.*\/u?: /s, '') : 'it cannot be read'}`,
    );
  }
  const program: Instruction[] = [];
  emit(new PatternParser(source).parse(), program);
  program.push({ op: 'match' });
  return { source, size: program.length, test: (text, work = { stepsLeft: Infinity }) => run(program, text, work) };
}

// ── Reading ────────────────────────────────────────────────────────────────────────────────────

type Assertion = '^' | '$' | '\\b' | '\\B';
type Node =
  | { kind: 'character'; accepts: (character: string) => boolean }
  | { kind: 'assertion'; assertion: Assertion }
  | { kind: 'sequence'; parts: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'repeat'; of: Node; least: number; most: number };

/** Reads what the RegExp constructor has accepted, so it meets nothing malformed. */
class PatternParser {
  private position = 0;

  constructor(private readonly source: string) {}

  parse(): Node {
    const options = [this.parseSequence()];
    while (this.take('|')) options.push(this.parseSequence());
    return options.length === 1 && options[0] ? options[0] : { kind: 'choice', options };
  }

  private parseSequence(): Node {
    const parts: Node[] = [];
    while (this.position < this.source.length && !this.at('|') && !this.at(')')) parts.push(this.parseQuantified(this.parseAtom()));
    return { kind: 'sequence', parts };
  }

  private parseQuantified(of: Node): Node {
    const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.source.slice(this.position));
    if (!quantifier) return of;
    const [text, first, comma, last] = quantifier;
    this.position += text.length;
    if (text.startsWith('*')) return { kind: 'repeat', of, least: 0, most: Infinity };
    if (text.startsWith('+')) return { kind: 'repeat', of, least: 1, most: Infinity };
    if (text.startsWith('?')) return { kind: 'repeat', of, least: 0, most: 1 };
    const least = Number(first);
    return { kind: 'repeat', of, least, most: comma === '' ? least : last === '' ? Infinity : Number(last) };
  }

  private parseAtom(): Node {
    if (this.take('^')) return { kind: 'assertion', assertion: '^' };
    if (this.take('$')) return { kind: 'assertion', assertion: '$' };
    if (this.take('(')) return this.parseGroup();
    if (this.take('\\b')) return { kind: 'assertion', assertion: '\\b' };
    if (this.take('\\B')) return { kind: 'assertion', assertion: '\\B' };
    return { kind: 'character', accepts: oneCharacter(this.takeCharacter()) };
  }

  private parseGroup(): Node {
    if (this.at('?=') || this.at('?!')) throw new PatternRefused('has a lookahead, (?=…) or (?!…), which is not supported');
    if (this.at('?<=') || this.at('?<!')) throw new PatternRefused('has a lookbehind, (?<=…) or (?<!…), which is not supported');
    if (this.at('?<')) this.position = this.source.indexOf('>', this.position) + 1;
    else if (this.at('?') && !this.take('?:')) throw new PatternRefused('has a group that begins with (? and is not supported; (?:…) is');
    const node = this.parse();
    this.take(')');
    return node;
  }

  /** The text that stands for one character: itself, an escape, a class. */
  private takeCharacter(): string {
    const rest = this.source.slice(this.position);
    if (/^\\[1-9k]/.test(rest)) throw new PatternRefused('has a backreference, which is not supported');
    const text = characterText.exec(rest)?.[0] ?? '';
    if (text === '') throw new PatternRefused(`cannot be read from ${JSON.stringify(rest)} on`);
    this.position += text.length;
    return text;
  }

  private at(text: string): boolean {
    return this.source.startsWith(text, this.position);
  }

  private take(text: string): boolean {
    if (!this.at(text)) return false;
    this.position += text.length;
    return true;
  }
}

// With the flag u, \ud83d\ude00 is one character, and a class holds no other class.
const characterText =
  /^(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u.{4}|\\x..|\\c.|\\.|[^\\])/su;

/** Leaves to JavaScript what a class or an escape stands for: on one character nothing can go wrong. */
function oneCharacter(text: string): (character: string) => boolean {
  const expression = new RegExp(`^(?:${text})$`, 'u');
  const ascii = Array.from({ length: 128 }, (_, code) => expression.test(String.fromCharCode(code)));
  return (character) => {
    const code = character.charCodeAt(0);
    return code < 128 ? ascii[code] === true : expression.test(character);
  };
}

// ── Running ────────────────────────────────────────────────────────────────────────────────────

type Instruction =
  { op: 'character'; accepts: (character: string) => boolean } | { op: 'assertion'; assertion: Assertion } | Fork | Jump | { op: 'match' };
/** Goes on at both. */
interface Fork {
  op: 'fork';
  to: [number, number];
}
interface Jump {
  op: 'jump';
  to: number;
}

/** Appends the instructions that match the node and then go on behind them. */
function emit(node: Node, program: Instruction[]): void {
  if (program.length >= patternLimits.size)
    throw new PatternRefused(`is too large: its repetitions, written out, have more than ${patternLimits.size} parts`);
  switch (node.kind) {
    case 'character':
      program.push({ op: 'character', accepts: node.accepts });
      return;
    case 'assertion':
      program.push({ op: 'assertion', assertion: node.assertion });
      return;
    case 'sequence':
      for (const part of node.parts) emit(part, program);
      return;
    case 'choice':
      emitChoice(node.options, program);
      return;
    case 'repeat':
      emitRepeat(node, program);
  }
}

function emitChoice(options: readonly Node[], program: Instruction[]): void {
  const jumps: Jump[] = [];
  options.forEach((option, index) => {
    if (index === options.length - 1) return emit(option, program);
    const fork: Fork = { op: 'fork', to: [program.length + 1, 0] };
    program.push(fork);
    emit(option, program);
    const jump: Jump = { op: 'jump', to: 0 };
    jumps.push(jump);
    program.push(jump);
    fork.to[1] = program.length;
  });
  for (const jump of jumps) jump.to = program.length;
}

function emitRepeat({ of, least, most }: Extract<Node, { kind: 'repeat' }>, program: Instruction[]): void {
  for (let count = 0; count < least; count += 1) {
    const start = program.length;
    emit(of, program);
    if (program.length === start) return; // (?:){1000000000}: nothing, however often
  }
  if (most === Infinity) {
    const start = program.length;
    const fork: Fork = { op: 'fork', to: [start + 1, 0] };
    program.push(fork);
    emit(of, program);
    program.push({ op: 'jump', to: start });
    fork.to[1] = program.length;
    return;
  }
  const forks: Fork[] = [];
  for (let count = least; count < most; count += 1) {
    const fork: Fork = { op: 'fork', to: [program.length + 1, 0] };
    forks.push(fork);
    program.push(fork);
    emit(of, program);
  }
  for (const fork of forks) fork.to[1] = program.length;
}

// What is not ASCII is asked of JavaScript's own engine, which takes as long as some steps do.
const stepsBeyondAscii = 4;
// To take a text apart into its characters.
const charactersOfStep = 4;

function run(program: readonly Instruction[], text: string, work: PatternWork): boolean {
  // Not a function: this is what the time goes into.
  work.stepsLeft -= text.length / charactersOfStep;
  const characters = Array.from(text);
  const first = program[0];
  const onlyAtStart = first?.op === 'assertion' && first.assertion === '^';
  const seenAt = new Int32Array(program.length).fill(-1);
  const starts: number[] = [];
  const waiting: number[] = [];
  for (let position = 0; position <= characters.length; position += 1) {
    if (position === 0 || !onlyAtStart)
      starts.push(0); // the pattern may begin anywhere
    else if (starts.length === 0) return false;
    for (let at = starts.pop(); at !== undefined; at = starts.pop()) {
      // Each instruction once at each position: that is what keeps the time in proportion.
      if ((work.stepsLeft -= 1) < 0) throw new PatternStopped();
      if (seenAt[at] === position) continue;
      seenAt[at] = position;
      const instruction = program[at];
      switch (instruction?.op) {
        case 'match':
          return true;
        case 'character':
          waiting.push(at);
          break;
        case 'jump':
          starts.push(instruction.to);
          break;
        case 'fork':
          starts.push(instruction.to[0], instruction.to[1]);
          break;
        case 'assertion':
          if (holds(instruction.assertion, characters, position)) starts.push(at + 1);
      }
    }
    const character = characters[position];
    if (character === undefined) return false;
    const price = character.charCodeAt(0) < 128 ? 1 : stepsBeyondAscii;
    for (const at of waiting) {
      if ((work.stepsLeft -= price) < 0) throw new PatternStopped();
      const instruction = program[at];
      if (instruction?.op === 'character' && instruction.accepts(character)) starts.push(at + 1);
    }
    waiting.length = 0;
  }
  return false;
}

function holds(assertion: Assertion, characters: readonly string[], position: number): boolean {
  if (assertion === '^') return position === 0;
  if (assertion === '$') return position === characters.length;
  const atBoundary = isWord(characters[position - 1]) !== isWord(characters[position]);
  return atBoundary === (assertion === '\\b');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^\w$/.test(character);
}
