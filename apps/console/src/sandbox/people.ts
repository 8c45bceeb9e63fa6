/** Somebody who does not exist. */
export interface Person {
  userName: string;
  givenName: string;
  familyName: string;
  title: string;
  department: string;
  /** What the identity provider calls them. */
  externalId: string;
}

const given = [
  'Ada',
  'Amara',
  'Anil',
  'Astrid',
  'Bea',
  'Carlos',
  'Chen',
  'Dana',
  'Diego',
  'Edith',
  'Elif',
  'Emeka',
  'Farah',
  'Felix',
  'Grace',
  'Hana',
  'Hedy',
  'Ines',
  'Ivan',
  'Jonas',
  'Joy',
  'Kofi',
  'Lena',
  'Liam',
  'Mai',
  'Malik',
  'Mira',
  'Nadia',
  'Noor',
  'Olga',
  'Omar',
  'Priya',
  'Rafael',
  'Rosa',
  'Sofia',
  'Tariq',
  'Uma',
  'Viktor',
  'Wen',
  'Yara',
  'Zoë',
];
const family = [
  'Abara',
  'Andersen',
  'Bauer',
  'Castillo',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Haddad',
  'Ivanova',
  'Jensen',
  'Kaya',
  'Kowalski',
  'Lindqvist',
  'Lovelace',
  'Mbeki',
  'Moreau',
  'Nakamura',
  'Novák',
  'Okafor',
  'Öztürk',
  'Patel',
  'Quintero',
  'Rossi',
  'Sato',
  'Silva',
  'Singh',
  'Tanaka',
  'Ueda',
  'Vargas',
  'Weiß',
  'Xu',
  'Yılmaz',
  'Zhang',
];
const jobs: [title: string, department: string][] = [
  ['Engineer', 'Engineering'],
  ['Senior Engineer', 'Engineering'],
  ['Designer', 'Product'],
  ['Product Manager', 'Product'],
  ['Account Executive', 'Sales'],
  ['Sales Manager', 'Sales'],
  ['Accountant', 'Finance'],
  ['Recruiter', 'People'],
  ['Support Specialist', 'Support'],
  ['Analyst', 'Finance'],
];

export const groupNames = [
  'Engineering',
  'Product',
  'Sales',
  'Finance',
  'People',
  'Support',
  'Everybody',
  'Managers',
  'Contractors',
  'VPN users',
  'Leadership',
  'On call',
];

/** The n-th person, always the same one; the first 1,394 have names of their own, and after that they are numbered. */
export function person(n: number, domain: string): Person {
  // 41 and 34 share no factor, so all pairs come before any comes again.
  const [first = 'A', last = 'B'] = [given[n % given.length], family[n % family.length]];
  const round = Math.floor(n / (given.length * family.length));
  const [title = '', department = ''] = jobs[n % jobs.length] ?? [];
  const local = `${plain(first)}.${plain(last)}${round === 0 ? '' : round + 1}`;
  return {
    userName: `${local}@${domain}`,
    givenName: first,
    familyName: last,
    title,
    department,
    externalId: `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`,
  };
}

export function groupName(n: number): string {
  const name = groupNames[n % groupNames.length] ?? 'Group';
  const round = Math.floor(n / groupNames.length);
  return round === 0 ? name : `${name} ${round + 1}`;
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replace(/[^a-z]/g, '');
}
