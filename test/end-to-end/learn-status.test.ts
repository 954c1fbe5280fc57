/** `mlts learn status` in a process, its page in a real browser. */
import { once } from 'node:events';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPage } from '../support/browser.ts';
import { writeCampaign } from '../support/campaigns.ts';
import { mlts, start } from '../support/mlts.ts';
import { temporaryFolder } from '../support/servers.ts';

function campaign(): string {
  const folder = temporaryFolder();
  writeCampaign(folder);
  return folder;
}

/** What the canvas shows: its pixels that are not white, and a sum that changes with the picture. */
const picture = (page: Page): Promise<{ painted: number; sum: number }> =>
  page.locator('#viewer canvas').evaluate((element) => {
    const canvas = element as unknown as { width: number; height: number; getContext(kind: '2d'): Context };
    interface Context {
      getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
    }
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let [painted, sum] = [0, 0];
    for (let k = 0; k < data.length; k += 4) {
      if (data[k] + data[k + 1] + data[k + 2] < 765) painted++;
      sum = (31 * sum + data[k]) % 1_000_003;
    }
    return { painted, sum };
  });

describe('mlts learn status', () => {
  it('tells people in tables and programs in JSON', async () => {
    const folder = campaign();
    const { code, stdout, stderr } = await mlts(['learn', 'status', folder]);
    expect(`${code} ${stderr}`).toBe('0 ');
    expect(stdout).toContain('round 1, next is label; no process works on it here');
    expect(stdout).toMatch(/7 labels, \d+ an hour, 3 to come; failed: 1 time-out, 1 crashed/);
    expect(stdout).toMatch(/ {4}0 +12 +6 +5 +1 +12 +0\.3 +yes/);
    expect(stdout).toMatch(/liquid: blow-up +failed/);
    const json = JSON.parse((await mlts(['learn', 'status', folder, '--json'])).stdout);
    expect(json).toMatchObject({ round: 1, next: 'label', queue: 3, labels: { done: 7, failed: 2 } });
    expect(json.labels.per_hour).toBeGreaterThan(0);
    expect(json.rounds[0].metrics[1]).toMatchObject({ name: 'liquid: blow-up', value: null });
  });

  it.each([
    ['a folder without a campaign', ['/nowhere'], 1, /^E_FILE: \/nowhere\/journal.jsonl/],
    ['a page that cannot be written', ['FOLDER', '--html', '/nowhere/page.html'], 1, /^E_DISK: /],
    ['a port that is none', ['FOLDER', '--serve', '70000'], 2, /a port, 0 to 65535/],
  ])('%s is said', async (_, args, code, message) => {
    const folder = campaign();
    const ended = await mlts(['learn', 'status', ...args.map((arg) => arg.replace('FOLDER', folder))]);
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(code);
  });
});

describe('the page of a campaign', () => {
  it('shows tables, plots and frames that can be turned, without fetching anything', { timeout: 90_000 }, async () => {
    const folder = campaign();
    const file = join(folder, 'page.html');
    expect((await mlts(['learn', 'status', folder, '--html', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toMatch(/(src|href)="(?!data:)/);
    const { page, faults } = await openPage();
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    expect(await page.locator('.plots svg').count()).toBe(6);
    await expect.poll(() => page.locator('table').first().innerText()).toContain('σ_F median');
    expect(await page.locator('#notes').innerText()).toContain('why: max σ_F 0.3 > 0.12 eV/Å');
    const first = await picture(page);
    // 32 balls are a good part of the canvas, and never all of it.
    expect(first.painted).toBeGreaterThan(5_000);
    expect(first.painted).toBeLessThan(250_000);
    await page.locator('#viewer').scrollIntoViewIfNeeded();
    const box = (await page.locator('#viewer canvas').boundingBox())!;
    await page.mouse.move(box.x + 300, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + 380, box.y + 260, { steps: 4 });
    await page.mouse.up();
    const turned = await picture(page);
    expect(turned.sum).not.toBe(first.sum);
    await page.mouse.wheel(0, -300);
    await expect.poll(async () => (await picture(page)).painted).toBeGreaterThan(1.2 * turned.painted);
    await page.locator('#viewer canvas').dblclick();
    await expect.poll(async () => (await picture(page)).sum).toBe(first.sum);
    await page.locator('#after').click();
    expect(await page.locator('#frame').inputValue()).toBe('1');
    expect((await picture(page)).sum).not.toBe(first.sum);
    // Six frames of round 1 come first; a click on a row shows its frame.
    await page.locator('tr[data-frame="6"]').click();
    expect(await page.locator('#notes').innerText()).toContain('why: nothing is known yet');
    await page.locator('#viewer canvas').press('ArrowLeft');
    expect(await page.locator('#frame').inputValue()).toBe('5');
    expect(faults).toEqual([]);
    expect(fetched).toEqual([pathToFileURL(file).href]);
  });

  it('is served on loopback and follows the files', { timeout: 90_000 }, async () => {
    const folder = campaign();
    const running = start(['learn', 'status', folder, '--serve', '0']);
    const [url] = (await once(createInterface({ input: running.process.stdout! }), 'line')) as [string];
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const { page, faults } = await openPage();
    await page.goto(url);
    expect(await page.locator('h1 ~ p').first().innerText()).toContain('next is label');
    // The labelling ends: the torn line is cut off and a whole one written.
    const journal = join(folder, 'journal.jsonl');
    const lines = readFileSync(journal, 'utf8');
    truncateSync(journal, Buffer.byteLength(lines.slice(0, lines.lastIndexOf('\n') + 1)));
    const entry = {
      round: 1,
      stage: 'label',
      inputs: {},
      outputs: {},
      counts: { labelled: 6, failed: 0 },
      seconds: 9,
      at: 'now',
    };
    appendFileSync(journal, `${JSON.stringify(entry)}\n`);
    await expect
      .poll(() => page.locator('h1 ~ p').first().innerText(), { timeout: 15_000 })
      .toContain('next is append');
    expect(faults).toEqual([]);
    // Under another name it gives nothing away.
    const status = await new Promise((resolve) =>
      get(url, { headers: { host: 'evil.example:80' } }, ({ statusCode }) => resolve(statusCode)),
    );
    expect(status).toBe(403);
    writeFileSync(journal, '{"damaged"}\n{}\n');
    expect(await (await fetch(url)).text()).toMatch(/^E_FILE: .*journal.jsonl:1 is no entry/);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
  });
});
