/**
 * How much one customer, one vendor or one request may take of what all share: numbers, each with its reason. Whoever is beyond one is
 * told which (the README's "What an identity provider may send"). Imports nothing.
 */
const KiB = 1024;
const MiB = 1024 * KiB;

export const bounds = {
  /** One string of a resource. The longest that directories hold of a person are certificates and notes: some KiB. */
  textBytes: 64 * KiB,
  /** A photo as data URI: 192 KiB of picture. Entra gives thumbnails of at most 100 KB; what is larger is better sent as its URL. */
  photoBytes: 256 * KiB,
  /** A user, or a group without its members, as JSON. An event holds it up to four times: profile, raw, and both as they were. */
  resourceBytes: 1 * MiB,
  /** What a request about one user may carry: a user of 1 MiB whose every second character is escaped. */
  userBodyBytes: 2 * MiB,
  /** What any other SCIM request may carry. Members of one group can be many: 50,000 of them are some 8 MB. */
  bodyBytes: 16 * MiB,
  /** A page of events, users, groups or requests, however few they are then: 1,000 usual users are 3 MB. One that is larger comes alone. */
  pageBytes: 4 * MiB,
  /** The same of what a worker reads for a lane: it keeps 128 such pages, and a lane sends 50 usual events of 3 KB from one. */
  lanePageBytes: 1 * MiB,
  /**
   * Steps of a mapping's patterns over all texts of one user, while others wait: 1,000 UUIDs, the longest list, take 83,000. The dearest
   * steps are some 50 ns, so that is 5 ms.
   */
  patternSteps: 100_000,
  /** The same of all users that a preview looks at: a second or two, in slices. */
  previewPatternSteps: 20_000_000,
  /** Of a name in a request that was refused, as its event has it. Names that are taken are shorter, so these are whole. */
  refusedNameCharacters: 1_000,
  /** Of its path, which in a bulk request is part of the body. */
  refusedPathCharacters: 4_000,
  /** How many seconds' worth of a rate may come at once after a quiet time: a deployment of the caller's starts all its workers at once. */
  burstSeconds: 4,
  /** Keys whose rate a process remembers at once, some 100 bytes each: those that have been quiet for four seconds are forgotten first. */
  ratedKeys: 100_000,
  /**
   * Streams and long polls that one key may have open at one broker. Each is a connection and some 20 KB; who has more workers than that
   * shares one stream among them.
   */
  waitingOfKey: 50,
  /** The same of all keys of an environment: four deployments, or one that is being replaced by the next. */
  waitingOfEnvironment: 200,
  /** bcrypt hashes that a process works on at once. libuv has four threads: one is left for files and the names of hosts. */
  hashesAtOnce: 3,
  /** Of those, passwords: some 280 ms each. A flood of them leaves a token two threads, and on two cores one of these. */
  passwordsAtOnce: 1,
  /** Passwords that wait meanwhile: the last one for some three seconds. More is more than people do. */
  passwordsWaiting: 8,
  /** Tokens that are made at once, some 70 ms each, and those that wait: the last one for some two seconds. */
  newTokensAtOnce: 1,
  newTokensWaiting: 24,
} as const;
