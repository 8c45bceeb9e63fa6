/** What mails say. Pure. */

/** A mail without its recipient. */
export interface Words {
  subject: string;
  text: string;
}

/** What a mail about a directory calls things by. */
interface About {
  organization: string;
  directory: string;
}

/** Why writes were refused: all that were for the same reason. */
export interface FailureReason {
  count: number;
  /** As the identity provider was told. */
  detail: string;
  /** What puts it right. */
  fix: string | null;
  /** Some of the requests: what was to be done, and the id to find it by. */
  examples: { what: string; requestId: string }[];
}

/** Provisioning fails. `more`: how many were refused for reasons that are not listed. */
export function provisioningFailsMail(
  about: About & { since: Date; failures: number; departures: number; reasons: FailureReason[]; more: number },
): Words {
  const { organization, directory, since, failures, departures, reasons, more } = about;
  return {
    subject: `${short(organization)}: ${counted(failures, 'change')} from ${short(directory)} could not be made`,
    text: paragraphs([
      `Since ${time(since)}, ${counted(failures, 'change')} that the identity provider of ${short(organization)} sent to the directory ${quoted(directory)} ${failures === 1 ? 'was' : 'were'} refused.`,
      ...(departures > 0
        ? [
            `Of these, ${counted(departures, 'change')} ${departures === 1 ? 'was' : 'were'} to deactivate or delete somebody, who is active still.`,
          ]
        : []),
      'Why, most often first:',
      ...reasons.map(reasonParagraph),
      ...(more > 0 ? [`${counted(more, 'other')} for other reasons.`] : []),
      'Identity providers try again by themselves, most of them. You will hear of it once more when it is over, and not before, however many there are.',
    ]),
  };
}

function reasonParagraph({ count, detail, fix, examples }: FailureReason): string {
  return [
    `${count} ×  ${short(detail, 600)}`,
    ...(fix === null ? [] : [`     What to do: ${fix}`]),
    ...examples.map(({ what, requestId }) => `     For example: ${short(what)} (${requestId})`),
  ].join('\n');
}

/** It is over. `last`: when the last write was refused. */
export function provisioningRecoveredMail(about: About & { since: Date; last: Date; failures: number }): Words {
  const { organization, directory, since, last, failures } = about;
  return {
    subject: `${short(organization)}: changes from ${short(directory)} are being made again`,
    text: paragraphs([
      `No change from the directory ${quoted(directory)} of ${short(organization)} has been refused since ${time(last)}.`,
      `From ${time(since)} to then there were ${failures}.`,
    ]),
  };
}

/** `limits`: in words. */
export function brakeEngagedMail(about: About & { at: Date; departures: number; activeUsers: number; limits: string }): Words {
  const { organization, directory, at, departures, activeUsers, limits } = about;
  return {
    subject: `${short(organization)}: ${short(directory)} removes many users; it has been stopped`,
    text: paragraphs([
      `At ${time(at)} the brake of the directory ${quoted(directory)} of ${short(organization)} was engaged: ${counted(departures, 'user')} had been deactivated or deleted within a short time. The limit is ${limits}. ${counted(activeUsers, 'user')} ${activeUsers === 1 ? 'is' : 'are'} still active.`,
      'From now on nobody is deactivated or deleted. Everything else goes on as before, and nothing is lost: the identity provider tries again and again.',
      'If it was meant, the application’s vendor releases the brake, and the next try passes. If it was not, look in the identity provider at what has changed in who is assigned to the application before it is released.',
    ]),
  };
}

export function brakeReleasedMail(about: About & { at: Date }): Words {
  const { organization, directory, at } = about;
  return {
    subject: `${short(organization)}: the brake of ${short(directory)} is released`,
    text: paragraphs([
      `At ${time(at)} the brake of the directory ${quoted(directory)} of ${short(organization)} was released. Users can be deactivated and deleted again.`,
    ]),
  };
}

export function credentialExpiringMail(about: About & { credential: string; expiresAt: Date; lastUsedAt: Date | null }): Words {
  const { organization, directory, credential, expiresAt, lastUsedAt } = about;
  return {
    subject: `${short(organization)}: a credential of ${short(directory)} ends on ${expiresAt.toISOString().slice(0, 10)}`,
    text: paragraphs([
      `${credential} of the directory ${quoted(directory)} of ${short(organization)} ends at ${time(expiresAt)}.`,
      lastUsedAt
        ? `It was last used at ${time(lastUsedAt)}. Make a new one and put it into the identity provider before then, or provisioning stops.`
        : 'It has never been used. If nothing depends on it there is nothing to do.',
    ]),
  };
}

export function endpointFailingMail(about: { url: string; since: Date }): Words {
  return {
    subject: `The webhook endpoint at ${host(about.url)} is failing`,
    text: paragraphs([
      `Nothing has been delivered to ${about.url} since ${time(about.since)}.`,
      'Deliveries are tried again, and nothing is lost meanwhile. After five days without one success it is disabled.',
    ]),
  };
}

export function endpointDisabledMail(about: { url: string; reason: string; since: Date | null }): Words {
  return {
    subject: `The webhook endpoint at ${host(about.url)} has been disabled`,
    text: paragraphs([
      `${about.url} has been disabled: ${about.reason}.${about.since ? ` Nothing was delivered since ${time(about.since)}.` : ''}`,
      'It keeps its place. Once it works again, enable it, and it gets everything from where it stopped, as long as the log goes back that far.',
    ]),
  };
}

export function endpointRecoveredMail(about: { url: string }): Words {
  return {
    subject: `The webhook endpoint at ${host(about.url)} works again`,
    text: paragraphs([`Deliveries to ${about.url} succeed again. What had waited is on its way.`]),
  };
}

function paragraphs(all: string[]): string {
  return `${all.join('\n\n')}\n`;
}

function time(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Names come from anybody: one line, and not without end. */
function short(name: string, most = 100): string {
  const line = name.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function quoted(name: string): string {
  return `“${short(name)}”`;
}

function host(url: string): string {
  return URL.canParse(url) ? new URL(url).host : short(url);
}
