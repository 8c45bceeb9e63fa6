import nodemailer from 'nodemailer';

export interface Mail {
  /** Stays the same when it is sent again, so that mail programs see one mail. */
  id: string;
  to: string;
  subject: string;
  /** Plain text. */
  text: string;
}

/** What came of sending a mail. */
export type Sent =
  | { kind: 'sent' }
  /** The mail server will not have it, now or later: no such recipient, say. */
  | { kind: 'refused'; reason: string }
  | { kind: 'unreachable'; reason: string };

export interface Mailer {
  send(mail: Mail): Promise<Sent>;
  close(): void;
}

/** Sends by a mail server: `smtp://` or `smtps://`, with user and password where it asks for them. `from`: as in a header. */
export function smtpMailer({ url, from }: { url: string; from: string }): Mailer {
  const transport = nodemailer.createTransport(
    {
      url,
      pool: true,
      maxConnections: 2,
      connectionTimeout: 5_000,
      greetingTimeout: 5_000,
      socketTimeout: 15_000,
      // A mail is words: nothing in it may name a file or an address to be fetched.
      disableFileAccess: true,
      disableUrlAccess: true,
    },
    { from },
  );
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  return {
    send: async ({ id, to, subject, text }) => {
      try {
        await transport.sendMail({
          to: { name: '', address: to },
          subject: oneLine(subject),
          text,
          messageId: `<${id}@${domain}>`,
          // RFC 3834: no out-of-office notes, please.
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return { kind: 'sent' };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    close: () => transport.close(),
  };
}

/** Where there is no mail server: hands mails to `write`, which is to put them where the operator sees them. */
export function logMailer(write: (mail: Mail) => void): Mailer {
  return {
    send: (mail) => {
      write(mail);
      return Promise.resolve({ kind: 'sent' });
    },
    close: () => {},
  };
}

function outcomeOf(error: unknown): Sent {
  const reason = error instanceof Error ? oneLine(error.message) : 'the mail server failed';
  // RFC 5321 §4.2.1: 5yz is final. One that cannot sign in is no fault of the mail's.
  const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0;
  const signIn = error instanceof Error && 'code' in error && error.code === 'EAUTH';
  return { kind: code >= 500 && !signIn ? 'refused' : 'unreachable', reason };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
