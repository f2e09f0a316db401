// The page: what is clicked and drawn goes to the worker, what it answers is shown.
'use strict';

const SIDE = 28, PIXELS = SIDE * SIDE, FILTERS = 16, WINDOW = 5, PASS = 60000, SHEET = 24;
const TESTS = 10000, GOAL = .85, BYTES = 30878551; // of the four files
const CLASSES = ['T-shirt', 'Trousers', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker',
    'Bag', 'Boot'];
const at = (id) => document.getElementById(id);
const percent = (x, digits = 1) => `${(100 * x).toFixed(digits)} %`;
const number = (x) => Math.round(x).toLocaleString('en');

let worker; // begins at this file's end
let running = false, pausing = false, ready = false, curve = [], first = 0, shown = 0, seed = 1;
const drawn = new Float32Array(PIXELS); // 0..1
let own = false;

function make(parent, name, attributes = {}, space) {
    const element = space ? document.createElementNS(space, name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
}

// ---- pictures: numbers become colours ----

const GREY = (x) => [255 * x, 255 * x, 255 * x];
// From black over violet and orange to light yellow, so that brightness grows evenly.
const STOPS = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10],
    [252, 255, 164]];
function heat(x) {
    const place = Math.min(x, .9999) * (STOPS.length - 1), i = Math.floor(place);
    return STOPS[i].map((from, c) => from + (place - i) * (STOPS[i + 1][c] - from));
}
const SIGNED = (x) => (x > 0 ? [255 * x, 160 * x, 40 * x] : [-50 * x, -140 * x, -255 * x]);

function paint(canvas, count, value, colour) {
    const context = canvas.getContext('2d'), image = context.createImageData(canvas.width,
        canvas.height);
    for (let i = 0; i < count; i++) image.data.set([...colour(value(i)), 255], 4 * i);
    context.putImageData(image, 0, 0);
}

// ---- it learns: figures and curve ----

const SVG = 'http://www.w3.org/2000/svg';
function chart() {
    const svg = at('chart'), wide = svg.clientWidth, high = svg.clientHeight;
    const most = Math.max(PASS, PASS * Math.ceil((curve.at(-1)?.images ?? 0) / PASS));
    const x = (images) => 34 + (wide - 46) * images / most;
    const y = (accuracy) => 8 + (high - 34) * (1 - accuracy);
    const text = (px, py, words, name = '') => {
        make(svg, 'text', { x: px, y: py, class: name, 'text-anchor': 'end' }, SVG)
            .textContent = words;
    };
    svg.setAttribute('viewBox', `0 0 ${wide} ${high}`);
    svg.replaceChildren();
    for (const level of [0, .25, .5, .75, 1]) {
        make(svg, 'line', { x1: x(0), x2: x(most), y1: y(level), y2: y(level) }, SVG);
        text(30, y(level) + 4, `${100 * level}`);
    }
    for (const part of wide > 400 ? [0, .25, .5, .75, 1] : [0, .5, 1])
        text(Math.max(part * most === 0 ? 46 : 0, x(part * most)), high - 8, number(part * most));
    make(svg, 'line', { x1: x(0), x2: x(most), y1: y(GOAL), y2: y(GOAL), class: 'goal' }, SVG);
    text(x(most) - 4, y(GOAL) + 15, percent(GOAL, 0), 'goal-text');
    if (curve.length === 0) return;
    const points = curve.map((p) => `${x(p.images)},${y(p.accuracy)}`).join(' ');
    const last = curve.at(-1), under = `${x(0)},${y(0)} ${points} ${x(last.images)},${y(0)}`;
    make(svg, 'polygon', { points: under, class: 'area' }, SVG);
    make(svg, 'polyline', { points, class: 'curve' }, SVG);
    make(svg, 'circle', { cx: x(last.images), cy: y(last.accuracy), r: 4 }, SVG);
    svg.setAttribute('aria-label', `Accuracy over pictures seen: ${percent(last.accuracy)} after \
${number(last.images)}`);
}

function progress({ images, seconds, accuracy }) {
    curve.push({ images, accuracy });
    at('accuracy').textContent = percent(accuracy);
    at('images').textContent = number(images);
    at('seconds').textContent = seconds.toFixed(1);
    at('speed').textContent = number(images / seconds);
    at('progress').value = (images % PASS || PASS) / PASS;
    chart();
}

function buttons() {
    at('train').textContent = running ? 'Pause' : curve.length ? 'Go on' : 'Train';
    at('train').disabled = !ready || pausing;
    at('anew').disabled = !ready || running || pausing || curve.length === 0;
}

// ---- it is tested ----

const tiles = Array.from({ length: SHEET }, () => {
    const tile = make(at('sheet'), 'button', { 'aria-pressed': 'false' });
    make(tile, 'canvas', { width: SIDE, height: SIDE, 'aria-hidden': 'true' });
    make(tile, 'span').textContent = ' ';
    return tile;
});

function sheet(tests) {
    let right = 0;
    tests.forEach(({ number: which, pixels, label, found }, i) => {
        const tile = tiles[i], good = label === found, words = curve.length > 0;
        paint(tile.firstChild, PIXELS, (p) => pixels[p] / 255, GREY);
        tile.className = !words ? '' : good ? 'right' : 'wrong';
        tile.lastChild.textContent = !words ? '?' : `${good ? '✓' : '✗'} ${CLASSES[found]}`;
        tile.title = `${CLASSES[label]}${words && !good ? `, taken for ${CLASSES[found]}` : ''}`;
        tile.setAttribute('aria-label', `Test picture ${which + 1}: ${tile.title}`);
        tile.setAttribute('aria-pressed', String(!own && which === shown));
        right += good;
    });
    at('right').textContent = curve.length ? `${right} of these ${SHEET} right` : '';
}

// ---- what it says, and what its filters see ----

const bars = CLASSES.map((name) => {
    const row = make(at('bars'), 'li');
    make(row, 'span').textContent = name;
    make(make(row, 'i'), 'b');
    make(row, 'output');
    return row;
});

function answer({ probabilities, label, own: mine }) {
    const most = Math.max(...probabilities), best = probabilities.indexOf(most);
    bars.forEach((row, i) => {
        row.className = i === best ? 'best' : '';
        row.querySelector('b').style.width = `${100 * probabilities[i]}%`;
        row.lastChild.textContent = percent(probabilities[i]);
    });
    at('answer').replaceChildren(`${CLASSES[best]}, ${percent(most, 0)}`);
    make(at('answer'), 'small').textContent =
        (curve.length === 0 ? 'It has not learnt anything yet. ' : '') +
        (mine ? 'This is your picture.' : `It is a test picture: ${CLASSES[label]}.`);
}

const figures = Array.from({ length: FILTERS }, (_, i) => {
    const figure = make(at('filters'), 'figure');
    make(figure, 'canvas', { width: SIDE, height: SIDE, class: 'seen', role: 'img',
        'aria-label': `What filter ${i + 1} makes of the picture` });
    make(figure, 'canvas', { width: WINDOW, height: WINDOW, class: 'filter', role: 'img',
        'aria-label': `The weights of filter ${i + 1}` });
    return figure;
});

function inside({ seen, filters }) {
    const brightest = seen.reduce((a, b) => Math.max(a, b), 1e-6);
    figures.forEach((figure, f) => {
        const sizes = filters.filter((_, i) => i % FILTERS === f).map(Math.abs);
        const largest = Math.max(...sizes, 1e-6);
        paint(figure.firstChild, PIXELS, (p) => seen[p * FILTERS + f] / brightest, heat);
        paint(figure.lastChild, WINDOW * WINDOW, (p) => filters[p * FILTERS + f] / largest, SIGNED);
    });
}

// ---- drawing ----

let asked = false, again = false; // one question at a time: strokes come quicker than answers
function show() {
    if (!ready) return;
    if (asked) return void (again = true);
    asked = true;
    worker.postMessage({ type: 'show', own: own ? Uint8Array.from(drawn, (x) => 255 * x) : null,
        shown, sheet: tiles.map((_, i) => (first + i) % TESTS) });
}

function dot(x, y) {
    const radius = Number(at('width').value) / 2, rubs = at('rubber').checked;
    const sides = at('mirror').checked ? [x, SIDE - x] : [x];
    for (const side of sides)
        for (let i = 0; i < PIXELS; i++) {
            const away = Math.hypot(i % SIDE + .5 - side, Math.floor(i / SIDE) + .5 - y);
            const ink = Math.min(1, Math.max(0, radius + .5 - away));
            drawn[i] = rubs ? Math.min(drawn[i], 1 - ink) : Math.max(drawn[i], ink);
        }
}

function begin() {
    if (own) return;
    own = true;
    drawn.fill(0); // in place of the test picture
}

function line(from, to) {
    const steps = Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)) || 1;
    begin();
    for (let s = 0; s <= steps; s++)
        dot(from.x + (to.x - from.x) * s / steps, from.y + (to.y - from.y) * s / steps);
    paint(at('pad'), PIXELS, (i) => drawn[i], GREY);
    show();
}

let stroke = null, pointer = null; // a line's last place, and the pointer that began it
let pen = { x: SIDE / 2, y: SIDE / 2 };
const pad = at('pad');
const place = (event) => {
    const box = pad.getBoundingClientRect();
    return { x: SIDE * (event.clientX - box.left) / box.width,
        y: SIDE * (event.clientY - box.top) / box.height };
};
pad.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || stroke) return; // a second finger, or the palm
    pointer = event.pointerId;
    pad.setPointerCapture(pointer);
    stroke = place(event);
    at('pen').hidden = true;
    line(stroke, stroke);
});
pad.addEventListener('pointermove', (event) => {
    if (!stroke || event.pointerId !== pointer) return;
    for (const part of event.getCoalescedEvents?.() ?? []) {
        line(stroke, place(part));
        stroke = place(part);
    }
    line(stroke, place(event));
    stroke = place(event);
});
for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'])
    pad.addEventListener(end, (event) => { if (event.pointerId === pointer) stroke = null; });

function show_pen() {
    const style = at('pen').style, size = Number(at('width').value) / SIDE * 100;
    at('pen').hidden = false;
    [style.left, style.top] = [`${100 * pen.x / SIDE}%`, `${100 * pen.y / SIDE}%`];
    [style.width, style.height] = [`${size}%`, `${size}%`];
}

function clear() {
    own = true;
    drawn.fill(0);
    paint(pad, PIXELS, () => 0, GREY);
    show();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let down = false; // the space bar: with it the arrows draw
pad.addEventListener('keydown', (event) => {
    const arrow = ARROWS[event.key], from = pen;
    if (event.key === 'Delete' || event.key === 'Backspace') clear();
    else if (event.key === ' ') down = true;
    else if (arrow)
        pen = { x: Math.min(SIDE - .5, Math.max(.5, pen.x + arrow[0])),
            y: Math.min(SIDE - .5, Math.max(.5, pen.y + arrow[1])) };
    else return;
    event.preventDefault();
    show_pen();
    if (down) line(from, pen);
});
pad.addEventListener('keyup', (event) => { if (event.key === ' ') down = false; });
pad.addEventListener('blur', () => { down = false; at('pen').hidden = true; });
at('clear').addEventListener('click', clear);

// ---- buttons, and the worker's words ----

at('train').addEventListener('click', () => {
    pausing = running; // until the worker says that it has stopped
    running = !running;
    worker.postMessage({ type: running ? 'train' : 'stop' });
    at('status').textContent = running ? 'Training …' : 'Pausing …';
    buttons();
});
at('anew').addEventListener('click', () => {
    curve = [];
    worker.postMessage({ type: 'anew', seed: ++seed });
    for (const id of ['accuracy', 'speed']) at(id).textContent = '–';
    [at('images').textContent, at('seconds').textContent, at('progress').value] = ['0', '0.0', 0];
    at('status').textContent = 'New weights, drawn at random.';
    chart();
    buttons();
});
at('others').addEventListener('click', () => {
    first = (first + SHEET) % TESTS;
    show();
});
tiles.forEach((tile, i) => tile.addEventListener('click', () => {
    own = false;
    shown = (first + i) % TESTS;
    show();
}));

const words = {
    loading({ bytes }) {
        at('progress').value = bytes / BYTES;
        at('status').textContent = `Fetching the pictures: ${percent(bytes / BYTES, 0)}`;
    },
    ready({ info }) {
        ready = true;
        at('info').textContent = info;
        at('progress').value = 0;
        at('status').textContent = 'Ready: a pass over all pictures takes about half a minute.';
        buttons();
        show();
    },
    progress,
    look(seen) {
        asked = false;
        if (!seen.own && !own) paint(pad, PIXELS, (i) => seen.pixels[i] / 255, GREY);
        sheet(seen.tests);
        answer(seen);
        inside(seen);
        if (again) show(again = false);
    },
    stopped({ images, accuracy, end }) {
        running = pausing = false;
        at('accuracy').textContent = percent(accuracy);
        at('status').textContent = `${percent(accuracy)} of the 10,000 test pictures are right \
after ${end ? 'a pass over all' : number(images)}.`;
        buttons();
    },
    failed({ message }) {
        ready = running = pausing = false;
        at('error').hidden = false;
        at('error').textContent = `${message} This page needs the files that "make web" puts into \
build/web, and a file server: python3 -m http.server -d build/web`;
        at('status').textContent = 'It cannot go on.';
        buttons();
    },
};
new ResizeObserver(chart).observe(at('chart'));
buttons();
try { // a page that is opened from disk may have no worker, which Chromium says at once
    worker = new Worker('worker.js');
    worker.onmessage = ({ data }) => words[data.type](data);
    worker.onerror = (event) => words.failed({ message: event.message ?? 'worker.js is missing.' });
    worker.postMessage({ type: 'start' });
} catch ({ message }) {
    words.failed({ message });
}
