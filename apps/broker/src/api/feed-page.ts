import { encodeCursor, type EventPage } from '#directory';

/** A page of the log as it is sent to all who are at the same place: made once, however many they are. */
export class FeedPage {
  readonly #environmentId: string;
  #polled: string | undefined;
  #streamed: Buffer | undefined;

  constructor(
    environmentId: string,
    readonly page: EventPage,
  ) {
    this.#environmentId = environmentId;
  }

  /** The body of an answer to a poll. */
  get polled(): string {
    return (this.#polled ??= this.#asAnswer());
  }

  /** Server-sent events; nothing where there is none. */
  get streamed(): Buffer {
    return (this.#streamed ??= Buffer.from(this.#asStream()));
  }

  #asAnswer(): string {
    const { events, scannedTo, head } = this.page;
    const data = events.map(({ json }) => json).join(',');
    return `{"data":[${data}],"next_cursor":${JSON.stringify(this.#cursorAt(scannedTo))},"has_more":${scannedTo < head}}`;
  }

  #asStream(): string {
    const { events, scannedTo } = this.page;
    const text = events.map(({ position, type, json }) => `id: ${this.#cursorAt(position)}\nevent: ${type}\ndata: ${json}\n\n`).join('');
    // What was looked through and did not match is passed too: an id without data moves the client's cursor and wakes nobody.
    const passed = scannedTo > (events.at(-1)?.position ?? 0) ? `id: ${this.#cursorAt(scannedTo)}\n\n` : '';
    return text + passed;
  }

  #cursorAt(position: number): string {
    return encodeCursor({ environmentId: this.#environmentId, epoch: this.page.epoch, position });
  }
}
