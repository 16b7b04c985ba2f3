// A `files` scanner in JavaScript: reports the word `forbidden`, and does what a file's first word says.

export const plugin = { configure() {} };

const hoard = [];

const deeds = {
  loop() { for (;;); },
  allocate() { for (;;) hoard.push(new Uint8Array(1 << 20).fill(1)); },
  recurse() { const down = (n) => 1 + down(n + 1); down(0); },
  throw() { throw new Error('as asked'); },
};

// What the machine tells, as a place in the file.
const senses = {
  now: () => Date.now() % 50,
  random: () => Math.floor(Math.random() * 50),
  // How often the clock can be read until it moves, up to a bound.
  tick() {
    const begin = Date.now();
    for (let n = 0; n < 49; n++) if (Date.now() !== begin) return n;
    return 49;
  },
};

export const files = {
  scan({ path, content }) {
    const text = new TextDecoder().decode(content);
    const [first] = text.split(' ');
    deeds[first]?.();
    const start = first in senses ? senses[first]() : text.indexOf('forbidden');
    if (start < 0) return [];
    const span = { start: BigInt(start), end: BigInt(start + 9) };
    const at = { path, revision: 'head', span };
    return [{ rule: 'word', at, sensitive: [], related: [], parameters: [], confidence: 'high', severity: undefined }];
  },
};
