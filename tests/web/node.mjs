// node node.mjs PACKAGES FOLDER: runs the cases in FOLDER/cases.json, and prints what
// they give. PACKAGES is a folder of npm's in which onnxruntime-node is.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { run } from './run.mjs';

const [, , packages, folder] = process.argv;
const ort = createRequire(join(resolve(packages), 'any'))('onnxruntime-node');
const read = async (name) => new Uint8Array(await readFile(join(folder, name)));
const cases = JSON.parse(new TextDecoder().decode(await read('cases.json')));
process.stdout.write(JSON.stringify(await run(ort, 'cpu', cases, read)));
