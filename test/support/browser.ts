/** A real browser, gone when its test ends. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** @throws where there is no Chromium */
function browserPath(): string {
  const named = process.env.MLTS_BROWSER;
  if (named !== undefined) return named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`no ${NAMES.join(', ')} on PATH: install Chromium (apt-get install chromium), or set MLTS_BROWSER`);
}

/** An empty page; what fails in it is in `faults`. */
export async function openPage(): Promise<{ page: Page; faults: string[] }> {
  // Containers have no user namespaces for Chromium's sandbox; it opens our own pages only.
  const browser: Browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox'] });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  return { page, faults };
}
