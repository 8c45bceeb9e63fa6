const mostNotes = 50;

/** What was tolerated or ignored in one request, in words for the request log; a hostile request cannot make it long. */
export class Notes {
  private readonly texts = new Set<string>();
  private more = 0;

  add(text: string): void {
    if (this.texts.has(text)) return;
    if (this.texts.size < mostNotes) this.texts.add(text);
    else this.more += 1;
  }

  list(): string[] {
    return this.more === 0 ? [...this.texts] : [...this.texts, `and ${this.more} more`];
  }
}

/** A name as sent, for a note. */
export function shown(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
