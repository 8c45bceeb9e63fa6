/**
 * Ends a process whose Node is too old, in one sentence. Imported for that alone, before anything else: the packages that are needed
 * fail while they are loaded, and say nothing that would help.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Causeway needs Node 20.19 or newer, and this is Node ${process.versions.node} (${process.execPath}).`);
  process.exit(1);
}

export {};
