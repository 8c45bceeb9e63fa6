/**
 * Mail: what happened, in words for people; digested, queued in the database, and sent.
 *
 *   the log ──▶ troubles, mails ──▶ due ──SMTP──▶ sent, and gone
 *                    ▲               │
 *                    └─ retry ◀──────┘ unreachable
 *
 * Who is told, and of what, is for its caller to find out: it must not import `directory`, `accounts` or `delivery`, nor read the
 * environment. May import `identifier`, nodemailer and pg.
 */
export { advanceMailCursor, environmentsWithNews } from './mail-cursors';
export { logMailer, type Mail, type Mailer, smtpMailer } from './mailer';
export {
  brakeEngagedMail,
  brakeReleasedMail,
  credentialExpiringMail,
  endpointDisabledMail,
  endpointFailingMail,
  endpointRecoveredMail,
  type FailureReason,
  provisioningFailsMail,
  provisioningRecoveredMail,
  type Words,
} from './mails';
export { queueMails, sendDueMails, type QueuedMail } from './outgoing';
export { dueTroubles, endTrouble, type Failures, noteFailures, type Trouble, markTold } from './troubles';
