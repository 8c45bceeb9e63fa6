/** How long a process may hold a lane or an aside before it says so again. An attempt takes 15 s at most; the other 5 are for the ack. */
export const leaseSeconds = 20;
