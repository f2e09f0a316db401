// Runs an ONNX model in ONNX Runtime (WebAssembly) and compares it with what the library gave.
//
//     node tests/run_onnx.js FOLDER MODEL NAME INPUT-SHAPE OUTPUT-SHAPE BOUND
//
// FOLDER has the runtime, NAME.in and NAME.out floats of those shapes ("100,1,28,28"). All samples
// go in at once, then the first one alone; the largest difference is at most BOUND of the largest
// output.
"use strict";
const fs = require("fs");
const [folder, model, name, inputShape, outputShape, bound] = process.argv.slice(2);
const ort = require(require.resolve("onnxruntime-web", { paths: [folder] }));

const numbers = (text) => text.split(",").map(Number);
const count = (shape) => shape.reduce((a, b) => a * b, 1);
function readFloats(path, shape) {
    const floats = new Float32Array(new Uint8Array(fs.readFileSync(path)).buffer);
    if (floats.length !== count(shape))
        throw new Error(`${path}: expected ${count(shape)} numbers, found ${floats.length}`);
    return floats;
}

async function compare(session, x, y, inputShape, outputShape) {
    const input = new ort.Tensor("float32", x.slice(0, count(inputShape)), inputShape);
    const { output } = await session.run({ input });
    if (String(output.dims) !== String(outputShape))
        throw new Error(`expected outputs of shape ${outputShape}, found ${output.dims}`);
    let worst = 0;
    output.data.forEach((value, i) => {
        const difference = Math.abs(value - y[i]);
        if (!(difference <= worst)) worst = difference; // a NaN, too
    });
    return worst;
}

async function main() {
    ort.env.wasm.numThreads = 1;
    const from = numbers(inputShape), to = numbers(outputShape);
    const x = readFloats(name + ".in", from), y = readFloats(name + ".out", to);
    const largest = y.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const session = await ort.InferenceSession.create(fs.readFileSync(model));
    if (String([session.inputNames, session.outputNames]) !== "input,output")
        throw new Error(`inputs ${session.inputNames}, outputs ${session.outputNames}`);
    const all = await compare(session, x, y, from, to);
    from[0] = to[0] = 1;
    const alone = await compare(session, x, y, from, to);
    const worst = Math.max(all, alone) / largest;
    console.log(`at most ${worst.toPrecision(2)} apart`);
    process.exitCode = worst <= Number(bound) ? 0 : 1;
}
main().catch((error) => {
    console.error(`refused: ${error.message ?? error}`);
    process.exitCode = 1;
});
