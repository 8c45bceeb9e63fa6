import type { Directory, DirectoryHealth } from '../broker/answers';
import { ago, count, inSentence, number, providerShortNames } from './words';

export interface HealthInWords {
  tone: 'good' | 'waiting' | 'bad' | 'off';
  sentence: string;
}

const hourMs = 3_600_000;

/** How a directory is doing, as somebody would say it. */
export function healthInWords(directory: Directory, health: DirectoryHealth, now = Date.now()): HealthInWords {
  const idp = providerShortNames[directory.provider];
  if (directory.state === 'disabled')
    return { tone: 'off', sentence: `This directory is disabled: everything that ${inSentence(directory.provider)} sends is rejected.` };
  if (directory.state === 'pending' || !directory.last_request_at) {
    return {
      tone: 'waiting',
      sentence: `${idp} has not called yet. Send the customer’s IT admin a setup link, or the base URL and a token.`,
    };
  }

  const [departure] = health.refused_departures;
  if (departure) {
    const others = health.refused_departures.length - 1;
    return {
      tone: 'bad',
      sentence: `${departure.user_name}${others > 0 ? ` and ${others === 1 ? 'one other' : `${number(others)} others`}` : ''} should have been deactivated, and ${others > 0 ? 'are' : 'is'} active still: the request was refused.`,
    };
  }

  const called = `${idp} last called ${ago(directory.last_request_at, now)}`;
  const quietMs = now - new Date(directory.last_request_at).getTime();
  if (health.operations === 0) {
    // Entra calls at least every 40 minutes while provisioning runs, if only to look; the others call when something changes.
    return directory.provider === 'entra' && quietMs > 3 * hourMs
      ? {
          tone: 'waiting',
          sentence: `${called}, although it calls every 40 minutes while provisioning is on: provisioning has probably been stopped or put into quarantine there.`,
        }
      : { tone: 'good', sentence: `${called}, and nothing has changed in the last 24 hours.` };
  }
  const all = health.operations_capped ? `more than ${number(health.operations)}` : number(health.operations);
  if (health.failed === 0)
    return {
      tone: 'good',
      sentence: `${called}. All ${all === '1' ? 'of its operations' : `${all} operations`} of the last 24 hours succeeded.`,
    };
  return {
    tone: 'bad',
    sentence: `${called}. ${number(health.failed)} of ${health.operations_capped ? all : count(health.operations, 'operation')} in the last 24 hours failed.`,
  };
}
