// Opens pages in a browser and prints, as JSON, what each did: `browser.cjs BROWSER PAGE...`.
// Needs `playwright-core` on NODE_PATH.
'use strict';
const { chromium } = require('playwright-core');
const { pathToFileURL } = require('node:url');

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
// For a machine that is busy with other tests: what is asserted is what a page does, not how fast.
const PATIENCE = 120_000;

async function watch(browser, file) {
  const address = pathToFileURL(file).href;
  const seen = { dialogs: [], console: [], errors: [], requests: [], violations: [] };
  const context = await browser.newContext();
  await context.exposeBinding('violated', (_, directive) => seen.violations.push(directive));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => violated(event.effectiveDirective));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); return dialog.dismiss(); });
  page.on('console', (message) => seen.console.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  context.on('request', (request) => { if (request.url() !== address) seen.requests.push(request.url()); });
  await page.goto(address, { waitUntil: 'load' });
  // As a reader would: everything unfolded, everything pointed at.
  await page.evaluate(() => {
    document.querySelectorAll('details').forEach((details) => { details.open = true; });
    document.querySelectorAll('body *').forEach((element) => element.dispatchEvent(new MouseEvent('mouseover')));
    const click = () => new MouseEvent('click', { bubbles: true, cancelable: true });
    document.querySelectorAll('a').forEach((link) => link.dispatchEvent(click()));
  });
  seen.text = await page.evaluate(() => document.body.innerText);
  seen.scripts = await page.evaluate(() => document.scripts.length);
  seen.address = page.url().startsWith(address);
  await context.close();
  return seen;
}

(async () => {
  const [executablePath, ...files] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: FLAGS, timeout: PATIENCE });
  const all = [];
  for (const file of files) all.push(await watch(browser, file));
  await browser.close();
  process.stdout.write(JSON.stringify(all));
})().catch((error) => { console.error(error); process.exit(1); });
