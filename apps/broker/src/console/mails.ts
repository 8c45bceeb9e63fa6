/** A mail to one person, in plain text. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Takes a mail to be sent. Whether it arrived nobody hears: a stranger must not learn from it whom an address belongs to. */
export type SendMail = (mail: Mail) => void;

export function signUpMail(to: string, link: string): Mail {
  return {
    to,
    subject: 'Confirm your e-mail address',
    text: `Somebody, hopefully you, signed up for Causeway with this address. To confirm it and begin, open:\n\n${link}\n\nThe link works once, for a day. If it was not you, ignore this mail: nothing has been made.\n`,
  };
}

export function alreadySignedUpMail(to: string, signInLink: string, resetLink: string): Mail {
  return {
    to,
    subject: 'You have an account already',
    text: `Somebody, hopefully you, tried to sign up for Causeway with this address, which has an account already.\n\nSign in:\n${signInLink}\n\nIf you have forgotten the password:\n${resetLink}\n\nIf it was not you, there is nothing to do.\n`,
  };
}

export function passwordResetMail(to: string, link: string): Mail {
  return {
    to,
    subject: 'Choose a new password',
    text: `To choose a new password for Causeway, open:\n\n${link}\n\nThe link works once, for an hour. If you did not ask for it, ignore this mail: your password stays as it is.\n`,
  };
}

export function invitationMail(to: string, o: { by: string; environment: string; link: string }): Mail {
  return {
    to,
    subject: `${o.by} invites you to ${o.environment} on Causeway`,
    text: `${o.by} invites you to the environment "${o.environment}" on Causeway. To join, open:\n\n${o.link}\n\nThe link works once, for a week.\n`,
  };
}
