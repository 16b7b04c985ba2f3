// node build.mjs SOURCE WIT OUT FEATURE...: makes a component of SOURCE without these features. The
// set-up copies this file beside the `node_modules` that it needs.
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [sourcePath, witPath, out, ...disableFeatures] = process.argv.slice(2);
const { component } = await componentize({ sourcePath, witPath, worldName: 'word-scanner', disableFeatures });
await writeFile(out, component);
