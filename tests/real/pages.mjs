// A real browser on the pages of keepgate.
//
//   node pages.mjs NODE_MODULES CHROMIUM passkey ENROLMENT_URL LOGIN_URL
//   node pages.mjs NODE_MODULES CHROMIUM consent AUTHORIZE_URL STOP
//
// Prints one JSON object: what the pages said, what the console complained of, where the way ended (STOP is the start of
// the address at which nobody listens).
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, chromium, what, first, second] = process.argv.slice(2);
const { chromium: browserType } = createRequire(path.join(modules, 'x.js'))('playwright');
const browser = await browserType.launch({ executablePath: chromium, chromiumSandbox: false });
const page = await (await browser.newContext()).newPage();
const found = { complaints: [] };
page.on('console', (message) => message.type() === 'error' && found.complaints.push(message.text()));
page.on('pageerror', (error) => found.complaints.push(String(error)));

async function said(pattern) {
  const line = page.locator('#said');
  await line.filter({ hasText: pattern }).waitFor({ timeout: 15000 });
  return line.textContent();
}

try {
  if (what === 'passkey') {
    const devices = await page.context().newCDPSession(page);
    await devices.send('WebAuthn.enable');
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      },
    });
    await page.goto(first);
    found.kept = page.url().includes('#');
    await page.click('#enroll');
    found.enrolled = await said(/./);
    await page.goto(second);
    await page.click('#passkey');
    found.login = await said(/./);
    await page.reload();
    found.again = await said(/./);
    found.readable = await page.evaluate(() => document.cookie);
  } else {
    await page.route(`${second}**`, (route) => route.fulfill({ status: 200, body: 'the client' }));
    await page.goto(first);
    found.page = await page.textContent('body');
    await page.click('button[value=yes]');
    await page.waitForURL(`${second}**`, { timeout: 15000 }).catch(() => {});
    found.end = page.url();
    found.last = await page.textContent('body');
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
