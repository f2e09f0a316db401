// Runs a WebAssembly program of the tests in Node.js 18 or later, in the top directory:
//     node --no-warnings --experimental-wasi-unstable-preview1 tests/wasi.mjs PROGRAM [TEST]
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const args = process.argv.slice(2);
const folders = ['.', process.env.TMPDIR ?? '/tmp'];
const preopens = Object.fromEntries(folders.map((folder) => [folder, folder]));
// A global, since Node 20 frees one that is in use when nothing names it any more.
globalThis.wasi = new WASI({ version: 'preview1', args, env: process.env, preopens,
    returnOnExit: true });
// Called through a function each: V8's direct calls of them lose objects in a garbage collection
// (Node 20 ends with a segmentation fault at the program's end).
const calls = Object.entries(globalThis.wasi.wasiImport)
    .map(([name, call]) => [name, (...given) => call(...given)]);
const program = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(args[0])),
    { wasi_snapshot_preview1: Object.fromEntries(calls) });
process.reallyExit(globalThis.wasi.start(program));
