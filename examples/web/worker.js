// The network's worker: fetches module and data, trains in slices so that messages come through,
// and tells the page what the network makes of the pictures that it shows.
'use strict';

const SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, FILTERS = 16, WINDOW = 25;
const BATCH = 50, SLICE = 40, PASS = 60000; // images, batches of a slice of training, images
const QUICK = 1000, TESTS = 10000;          // test images after each slice, and at the end
const FILES = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1']
    .map((name) => `data/${name}-ubyte.gz`);

let network; // the module's exports
let running = false, images = 0, seconds = 0;
let own = null, shown = 0, sheet = []; // drawn pixels, or a test image's number; numbers of others

// ---- what a C library asks of its system (WASI preview 1): the fetched files, and a clock ----
const NO_FILE = 44, BAD_DESCRIPTOR = 8, NOT_THERE = 52, FOLDER = 3; // FOLDER: of all files

function system(files, memory) {
    const open = new Map(), view = () => new DataView(memory().buffer);
    const bytes = (at, count) => new Uint8Array(memory().buffer, at, count);
    const calls = {
        fd_prestat_get(fd, at) {
            if (fd !== FOLDER) return BAD_DESCRIPTOR;
            view().setUint32(at, 0, true);
            view().setUint32(at + 4, 1, true); // the length of its name
            return 0;
        },
        fd_prestat_dir_name(fd, at) {
            bytes(at, 1).set([46]);
            return 0;
        },
        path_open(folder, flags, path, length, how, rights, inherited, mode, at) {
            const file = files.get(new TextDecoder().decode(bytes(path, length)));
            if (!file) return NO_FILE;
            let fd = FOLDER + 1;
            while (open.has(fd)) fd++;
            open.set(fd, { file, at: 0 });
            view().setUint32(at, fd, true);
            return 0;
        },
        fd_fdstat_get(fd, at) {
            bytes(at, 24).fill(255); // it may do all
            bytes(at, 8).set([open.has(fd) ? 4 : fd === FOLDER ? 3 : 2, 0, 0, 0]);
            return 0;
        },
        fd_filestat_get(fd, at) {
            if (!open.has(fd)) return BAD_DESCRIPTOR;
            bytes(at, 64).fill(0);
            view().setUint8(at + 16, 4); // a regular file
            view().setBigUint64(at + 32, BigInt(open.get(fd).file.length), true);
            return 0;
        },
        fd_read(fd, list, count, done) {
            const from = open.get(fd);
            let read = 0;
            if (!from) return BAD_DESCRIPTOR;
            for (let i = 0; i < count; i++) {
                const size = view().getUint32(list + 8 * i + 4, true);
                const part = from.file.subarray(from.at, from.at + size);
                bytes(view().getUint32(list + 8 * i, true), size).set(part);
                from.at += part.length;
                read += part.length;
            }
            view().setUint32(done, read, true);
            return 0;
        },
        fd_seek(fd, offset, whence, at) {
            const from = open.get(fd);
            if (!from) return BAD_DESCRIPTOR;
            from.at = Number(offset) + [0, from.at, from.file.length][whence];
            view().setBigUint64(at, BigInt(from.at), true);
            return 0;
        },
        fd_close: (fd) => (open.delete(fd) ? 0 : BAD_DESCRIPTOR),
        environ_sizes_get(count, size) {
            view().setUint32(count, 0, true);
            view().setUint32(size, 0, true);
            return 0;
        },
        environ_get: () => 0,
        clock_time_get(clock, precision, at) {
            view().setBigUint64(at, BigInt(Math.round(1e6 * performance.now())), true);
            return 0;
        },
    };
    return new Proxy(calls, { get: (all, name) => all[name] ?? (() => NOT_THERE) });
}

// ---- fetching ----

async function fetched(url, progress) {
    const answer = await fetch(url).catch((e) => ({ ok: false, status: e.message }));
    if (!answer.ok) throw new Error(`${url} is missing (${answer.status}).`);
    const parts = [], reader = answer.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        parts.push(part.value);
        progress(part.value.length);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
}

const text = (at) => {
    const all = new Uint8Array(network.memory.buffer, at);
    return new TextDecoder().decode(all.subarray(0, all.indexOf(0)));
};

// Throws what the library says where a call has failed.
function checked(result, failed) {
    if (failed) throw new Error(text(network.web_error()));
    return result;
}

async function start() {
    let loaded = 0;
    const files = new Map(), module = await fetched('web.wasm', () => {});
    const imports = { wasi_snapshot_preview1: system(files, () => network.memory) };
    const made = await WebAssembly.instantiate(module, imports).catch((e) => {
        throw new Error(`This browser does not take the module, which needs WebAssembly with SIMD: \
${e.message}`);
    });
    network = made.instance.exports;
    network._initialize();
    await Promise.all(FILES.map(async (name) => {
        files.set(name, await fetched(name, (count) => {
            loaded += count;
            postMessage({ type: 'loading', bytes: loaded });
        }));
    }));
    checked(0, network.web_open(1));
    files.clear(); // the library has its own copy
    postMessage({ type: 'ready', info: text(network.web_info()) });
}

// ---- looking ----

const reals = (at, count) => new Float32Array(network.memory.buffer, at, count).slice();
const best = (values) => values.indexOf(Math.max(...values));

function answer(number) {
    network.web_picture(number);
    const at = network.web_answer();
    return reals(checked(at, !at), CLASSES);
}

function look() {
    const tests = sheet.map((number) => {
        const pixels = new Uint8Array(network.memory.buffer, network.web_picture(number), PIXELS);
        return { number, pixels: pixels.slice(), label: network.web_label(number),
            found: best(answer(number)) };
    });
    const at = network.web_picture(own ? -1 : shown);
    if (own) new Uint8Array(network.memory.buffer, at, PIXELS).set(own);
    const pixels = new Uint8Array(network.memory.buffer, at, PIXELS).slice();
    const probabilities = answer(-1), seen = network.web_seen(), filters = network.web_filters();
    postMessage({ type: 'look', tests, pixels, probabilities, label: network.web_label(shown),
        own: own !== null,
        seen: reals(checked(seen, !seen), PIXELS * FILTERS),
        filters: reals(checked(filters, !filters), WINDOW * FILTERS) });
}

// ---- training ----

function test(count) {
    const accuracy = network.web_test(count);
    return checked(accuracy, accuracy < 0);
}

// A slice of training, a look at the messages, and so on till the pass ends or the page says stop.
async function train() {
    while (running) {
        const begun = performance.now(), loss = network.web_train(SLICE);
        checked(loss, loss < 0);
        images += SLICE * BATCH;
        const accuracy = test(QUICK);
        seconds += (performance.now() - begun) / 1000;
        postMessage({ type: 'progress', images, seconds, accuracy });
        look();
        if (images % PASS === 0) running = false;
        await new Promise((resume) => setTimeout(resume));
    }
    postMessage({ type: 'stopped', images, accuracy: test(TESTS), end: images % PASS === 0 });
}

const orders = {
    start,
    train() {
        if (running) return;
        running = true;
        return train();
    },
    stop() {
        running = false;
    },
    anew(order) {
        checked(0, network.web_open(order.seed));
        images = seconds = 0;
        look();
    },
    show(order) {
        ({ own, shown = shown, sheet = sheet } = order);
        look();
    },
};

onmessage = async ({ data }) => {
    try {
        await orders[data.type](data);
    } catch (e) {
        running = false;
        postMessage({ type: 'failed', message: e.message });
    }
};
