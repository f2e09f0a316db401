// Drives the page of examples/web in headless Chromium, through chromedriver's HTTP.
//     node tests/web.mjs FOLDER desktop|phone [PATH=FILE]    FILE, or nothing, in place of one
// Trains, draws with pointers and keys, reads the answers; keeps build/web-desktop.png. Where
// something is not as it should be the exit status is 1, and it says what was found.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, screen, replaced = ''] = process.argv.slice(2);
const [path, file] = replaced.split('=');
const phone = screen === 'phone', [wide, high] = phone ? [390, 844] : [1280, 900];
const ENOUGH = phone ? 10000 : 60000, LEAST = phone ? 78 : 86; // pictures, per cent
const PATIENCE = 240; // seconds for what takes some, on a machine that has other work

function expect(holds, message) {
    if (!holds) throw new Error(message);
}
const wait = (ms) => new Promise((resume) => setTimeout(resume, ms));

// ---- the page's server, and the browser's ----

const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript' };
const server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    try {
        const bytes = readFileSync(name === path ? file : `${folder}/${name}`);
        response.writeHead(200, { 'Content-Type': TYPES[name.split('.').at(-1)] ?? 'text/plain' });
        response.end(bytes);
    } catch {
        response.writeHead(404).end();
    }
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const page = `http://127.0.0.1:${server.address().port}/`;
const driver = spawn('chromedriver', ['--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const port = await new Promise((found) => {
    driver.stdout.on('data', (text) => {
        const on = /successfully on port (\d+)/.exec(String(text));
        if (on) found(on[1]);
    });
});

let session = '';
async function ask(method, what, body) {
    const answer = await fetch(`http://127.0.0.1:${port}/session${session}${what}`,
        { method, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    expect(answer.ok, `${what}: ${value?.message}`);
    return value;
}
const script = (code) => ask('POST', '/execute/sync', { script: `return ${code}`, args: [] });
const text = (id) => script(`document.getElementById('${id}').textContent`);
async function until(code, what, patience = PATIENCE) {
    for (let i = 0; i < 10 * patience; i++, await wait(100)) {
        const error = await script('document.getElementById("error").textContent');
        expect(!error, `the page says: ${error}`);
        if (await script(code)) return;
    }
    throw new Error(`waited in vain for: ${what}`);
}

// Keys by their names; of WebDriver's, which are characters, those that are needed.
const KEYS = { Tab: '\uE004', Enter: '\uE007', ArrowRight: '\uE014', ArrowDown: '\uE015',
    Delete: '\uE017', Space: ' ', End: '\uE010' };
const keys = (...steps) => ask('POST', '/actions', { actions: [{ type: 'key', id: 'keys',
    actions: steps.map(([type, name]) => ({ type, value: KEYS[name] })) }] });
const press = (name) => keys(['keyDown', name], ['keyUp', name]);

const place_of_pad = () => script(`(() => { const pad = document.getElementById('pad');
    pad.scrollIntoView({ block: 'center' });
    const { left, top, width } = pad.getBoundingClientRect(); return [left, top, width]; })()`);

// A stroke over the board, in its pixels, by mouse or finger.
async function draw(...points) {
    const box = await place_of_pad();
    const moves = points.map(([x, y]) => ({ type: 'pointerMove', duration: 30,
        x: Math.round(box[0] + x * box[2] / 28), y: Math.round(box[1] + y * box[2] / 28) }));
    await ask('POST', '/actions', { actions: [{ type: 'pointer', id: 'hand',
        parameters: { pointerType: phone ? 'touch' : 'mouse' },
        actions: [moves[0], { type: 'pointerDown', button: 0 }, ...moves.slice(1),
            { type: 'pointerUp', button: 0 }] }] });
}
const ink = () => script(`(() => { const pad = document.getElementById('pad'), bytes =
    pad.getContext('2d').getImageData(0, 0, 28, 28).data; let sum = 0;
    for (let i = 0; i < bytes.length; i += 4) sum += bytes[i] / 255; return sum; })()`);

async function screenshot(name) {
    const height = await script('document.documentElement.scrollHeight');
    const { data } = await ask('POST', '/goog/cdp/execute', { cmd: 'Page.captureScreenshot',
        params: { captureBeyondViewport: true,
            clip: { x: 0, y: 0, width: wide, height, scale: 1 } } });
    writeFileSync(`build/web-${name}.png`, Buffer.from(data, 'base64'));
}

// ---- what is tested ----

async function trains() {
    await until('!document.getElementById("train").disabled', 'the data');
    if (phone) await script('document.getElementById("train").click()');
    else { // by keys alone
        await press('Tab');
        expect(await script('document.activeElement.id') === 'train', 'Tab leads to "Train"');
        await press('Enter');
    }
    const seen = 'Number(document.getElementById("images").textContent.replace(/,/g, ""))';
    const accuracy = 'parseFloat(document.getElementById("accuracy").textContent)';
    await until(`${seen} > 0`, 'the first progress');
    expect(await text('train') === 'Pause', 'the button pauses now');
    const now = `document.getElementById("seconds").textContent + " s, " + ${seen} + " pictures"`;
    await until(`(() => {
        if (${accuracy} >= 85) window.first ??= ${now};
        return ${seen} >= ${ENOUGH};
    })()`, `${ENOUGH} pictures`);
    const ends = () => until(
        '/right after/.test(document.getElementById("status").textContent)', 'the end');
    if (phone) { // pauses, goes on, pauses; nothing can be asked for in between
        for (let i = 0; i < 2; i++) {
            const before = Number(await script(seen));
            if (i > 0) await script('document.getElementById("train").click()');
            if (i > 0) await until(`${seen} > ${before}`, 'more pictures');
            expect(await script(`(() => {
                const [train, anew] = ['train', 'anew'].map((id) => document.getElementById(id));
                train.click();
                return train.disabled && anew.disabled;
            })()`), 'no button works while it pauses');
            await ends();
        }
    }
    await ends();
    const found = await script(accuracy);
    expect(found >= LEAST, `test accuracy: expected at least ${LEAST} %, found ${found}`);
    console.log(`${screen}: ${await text('status')} ${await text('seconds')} s; 85 % after \
${await script('window.first ?? "more"')}`);
}

async function says_what_it_sees() {
    const right = parseInt(await text('right'));
    expect(right >= 16, `test pictures that are right: expected 16 of 24 or more, found ${right}`);
    await script('document.getElementById("width").focus()');
    await press('End'); // the widest pen
    await draw([11, 4], [10, 25]); // a leg, and by both sides alike the other
    await draw([11, 4], [14, 4]);
    await until('/^Trousers.*your picture/.test(document.getElementById("answer").textContent)',
        'trousers, which are drawn', 10);
    const sum = await script(`[...document.querySelectorAll('#bars output')]
        .reduce((sum, o) => sum + parseFloat(o.textContent), 0)`);
    expect(Math.abs(sum - 100) < 1, `the shares are ${sum} %, not 100`);
    await screenshot(screen);
}

async function takes_keys() {
    const [role, name] = await script(`['role', 'aria-label'].map((what) =>
        document.getElementById('pad').getAttribute(what))`);
    expect(role === 'application' && /arrow keys/.test(name),
        `screen readers are to hand it keys, and to say which: found ${role}, ${name}`);
    await script('document.getElementById("pad").focus()');
    await press('Delete');
    expect(await ink() === 0, `Delete clears the board, on which there is ${await ink()}`);
    await press('ArrowRight');
    expect(await ink() === 0, 'an arrow alone draws nothing');
    await keys(['keyDown', 'Space'], ['keyDown', 'ArrowDown'], ['keyUp', 'ArrowDown'],
        ['keyUp', 'Space']);
    expect(await ink() > 5, `the space bar draws more than ${await ink()} pixels`);
}

// Of two fingers the one that began a line draws, the other one nothing: no ink between the two.
async function takes_one_finger() {
    await script(`(() => { document.getElementById('mirror').checked = false;
        document.getElementById('clear').click(); })()`);
    const box = await place_of_pad();
    const to = (x, y) => ({ type: 'pointerMove', duration: 30,
        x: Math.round(box[0] + x * box[2] / 28), y: Math.round(box[1] + y * box[2] / 28) });
    const down = { type: 'pointerDown', button: 0 }, up = { type: 'pointerUp', button: 0 };
    const pause = { type: 'pause', duration: 30 }, touch = { pointerType: 'touch' };
    await ask('POST', '/actions', { actions: [
        { type: 'pointer', id: 'finger', parameters: touch,
            actions: [to(5, 10), down, pause, pause, to(5, 14), pause, to(5, 18), up] },
        { type: 'pointer', id: 'palm', parameters: touch,
            actions: [to(23, 10), pause, down, to(23, 12), pause, up, pause, pause] }] });
    const inks = await script(`[3, 12, 21].map((x) => document.getElementById('pad')
        .getContext('2d').getImageData(x, 4, 5, 20).data
        .reduce((sum, byte, i) => sum + (i % 4 === 0 ? byte / 255 : 0), 0))`);
    expect(inks[0] > 10 && inks[1] === 0 && inks[2] === 0,
        `a finger draws, a palm beside it does not: found ${inks} on the left, between, right`);
    await script('document.getElementById("mirror").click()');
}

// From disk, where Chromium has no worker for it: it says what it needs.
async function says_how_to_open_it() {
    await ask('POST', '/url', { url: pathToFileURL(`${folder}/index.html`).href });
    const [hidden, said, status] = await script(`(() => {
        const [error, status] = ['error', 'status'].map((id) => document.getElementById(id));
        return [error.hidden, error.textContent, status.textContent]; })()`);
    expect(!hidden && /python3 -m http.server/.test(said) && status === 'It cannot go on.',
        `opened from disk it says: ${said} ${status}`);
}

async function is_well_made() {
    const width = await script('document.documentElement.scrollWidth');
    expect(width <= wide, `the page is ${width} pixels wide, the screen ${wide}`);
    const mute = await script(`[...document.querySelectorAll(
        'button, canvas:not([aria-hidden]), input, progress, svg')].filter((e) =>
        !e.getAttribute('aria-label') && !e.textContent.trim() && !e.labels?.length)
        .map((e) => e.outerHTML.slice(0, 60))`);
    expect(mute.length === 0, `without a name: ${mute}`);
    const small = await script(`[...document.querySelectorAll('button, .tools label')].filter((e) =>
        e.getBoundingClientRect().height < 36).map((e) => e.outerHTML.slice(0, 60))`);
    expect(small.length === 0, `too small for a finger: ${small}`);
    const elsewhere = await script(`performance.getEntriesByType('resource').map((r) => r.name)
        .filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:'))`);
    expect(elsewhere.length === 0, `not from here: ${elsewhere}`);
    const log = (await ask('POST', '/se/log', { type: 'browser' }))
        .filter((entry) => entry.level === 'SEVERE');
    expect(log.length === 0, `the console says: ${JSON.stringify(log)}`);
}

let status = 0;
try {
    const size = { deviceMetrics: { width: wide, height: high, pixelRatio: 1, touch: true } };
    const options = { args: ['--headless=new', '--no-sandbox', `--window-size=${wide},${high}`],
        ...(phone && { mobileEmulation: size }) };
    const made = await ask('POST', '', { capabilities: { alwaysMatch: {
        'goog:chromeOptions': options, 'goog:loggingPrefs': { browser: 'ALL' } } } });
    session = `/${made.sessionId}`;
    await ask('POST', '/url', { url: page });
    for (const test of [trains, says_what_it_sees, takes_keys, takes_one_finger, is_well_made,
        says_how_to_open_it]) await test();
} catch (e) {
    console.log(e.message);
    if (session) await screenshot(`${screen}-failed`).catch(() => {});
    status = 1;
}
if (session) await ask('DELETE', '').catch(() => {});
driver.kill();
process.exit(status);
